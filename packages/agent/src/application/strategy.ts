/** The reconnect strategy of one application (ietf-netconf-server): which endpoint next, and after what pause. */
export interface Strategy {
  /** The endpoints' names, in the order of the configuration; at least one. */
  readonly endpoints: readonly string[];
  readonly startWith: 'first-listed' | 'last-connected';
  /** Attempts at one endpoint before the next. */
  readonly maxAttempts: number;
  /** The longest pause between two rounds. Milliseconds. */
  readonly backoffCap: number;
}

/** An attempt to be made. */
export interface Attempt {
  readonly endpoint: string;
  /** Counted from 1, at this endpoint. */
  readonly number: number;
  /** Endpoints given up in this round so far. */
  readonly givenUp: number;
  /** Rounds, or short-lived connections, since the last one that stayed up. */
  readonly failures: number;
  /** Before the attempt. Milliseconds. */
  readonly pause: number;
}

/** A uniform number in [0, 1). */
export type Dice = () => number;

/** How long a connection stays up to be called stable. Milliseconds. */
const stable = 60_000;

/** The spread of a pause that is no backoff. Milliseconds. */
const jitter = 1000;

/** The first backoff's upper end; each further one doubles it. Milliseconds. */
const backoffBase = 2000;

/** Exponential backoff with full jitter: a fleet must not come back in step. */
function backoff(strategy: Strategy, failures: number, dice: Dice): number {
  return dice() * Math.min(strategy.backoffCap, backoffBase * 2 ** Math.min(failures - 1, 30));
}

/** With no memory, or when the remembered endpoint has left the configuration, the first listed. */
function startingEndpoint(strategy: Strategy, lastConnected: string | undefined): string {
  const [first = ''] = strategy.endpoints;
  const remembered = strategy.startWith === 'last-connected' && lastConnected !== undefined;
  return remembered && strategy.endpoints.includes(lastConnected) ? lastConnected : first;
}

/** The first attempt after the start of the agent. */
export function firstAttempt(strategy: Strategy, lastConnected: string | undefined): Attempt {
  return {
    endpoint: startingEndpoint(strategy, lastConnected),
    number: 1,
    givenUp: 0,
    failures: 0,
    pause: 0,
  };
}

/** The attempt after one that failed: the same endpoint until it has had its attempts, then the next, round and round. */
export function afterFailure(strategy: Strategy, failed: Attempt, dice: Dice): Attempt {
  if (failed.number < strategy.maxAttempts)
    return { ...failed, number: failed.number + 1, pause: dice() * jitter };
  const { endpoints } = strategy;
  const next = endpoints[(endpoints.indexOf(failed.endpoint) + 1) % endpoints.length] ?? failed.endpoint;
  const givenUp = failed.givenUp + 1;
  if (givenUp < endpoints.length) {
    return { endpoint: next, number: 1, givenUp, failures: failed.failures, pause: dice() * jitter };
  }
  const failures = failed.failures + 1;
  return { endpoint: next, number: 1, givenUp: 0, failures, pause: backoff(strategy, failures, dice) };
}

/**
 * The attempt after a connection that `succeeded` made and that was lost when it had been up for `uptime` milliseconds:
 * at once after a stable one; after a short-lived one with the backoff of a failed round, for whoever accepts and drops.
 */
export function afterConnection(strategy: Strategy, succeeded: Attempt, uptime: number, dice: Dice): Attempt {
  const endpoint = startingEndpoint(strategy, succeeded.endpoint);
  const failures = uptime >= stable ? 0 : succeeded.failures + 1;
  const pause = failures === 0 ? dice() * jitter : backoff(strategy, failures, dice);
  return { endpoint, number: 1, givenUp: 0, failures, pause };
}

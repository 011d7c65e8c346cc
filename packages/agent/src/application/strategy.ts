/**
 * The reconnect strategy of one application (ietf-netconf-server): which endpoint next, and after what pause.
 * Another strategy can take its place between any two attempts: what has left the list is skipped from then on, and
 * what is new in it joins with the next round.
 */
export interface Strategy {
  /** The endpoints' names, in the order of the configuration; at least one, none twice. */
  readonly endpoints: readonly string[];
  /** Where a round starts. With `random-selection` the dice draw its whole order. */
  readonly startWith: 'first-listed' | 'last-connected' | 'random-selection';
  /** Attempts at one endpoint before the next. */
  readonly maxAttempts: number;
  /** The longest pause between two rounds. */
  readonly backoffCapMs: number;
}

/** An attempt to be made. */
export interface Attempt {
  readonly endpoint: string;
  /** Counted from 1, at this endpoint. */
  readonly number: number;
  /** The endpoints that this round has yet to come to, in its order. */
  readonly remaining: readonly string[];
  /** Rounds, or short-lived connections, since the last one that stayed up. */
  readonly failures: number;
  /** Before the attempt. */
  readonly pauseMs: number;
}

/** A uniform number in [0, 1). */
export type Dice = () => number;

/** How long a connection stays up to be called stable. */
const stableMs = 60_000;

/** The spread of a pause that is no backoff. */
const jitterMs = 1000;

/** The first backoff's upper end; each further one doubles it. */
const backoffBaseMs = 2000;

/** Exponential backoff with full jitter: a fleet must not come back in step. */
function backoff(strategy: Strategy, failures: number, dice: Dice): number {
  return dice() * Math.min(strategy.backoffCapMs, backoffBaseMs * 2 ** Math.min(failures - 1, 30));
}

/** Every order is as likely as any other. */
function drawn(endpoints: readonly string[], dice: Dice): string[] {
  const left = [...endpoints];
  const order: string[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(dice() * left.length), 1));
  return order;
}

/**
 * The order of a round: the list from `start` on, or one drawn. Each draw is independent of those before it: a round
 * may begin with the endpoint that the last one ended with, and no endpoint is favoured by where a round ended.
 */
function roundFrom(strategy: Strategy, start: number, dice: Dice): readonly string[] {
  const { endpoints } = strategy;
  if (strategy.startWith === 'random-selection') return drawn(endpoints, dice);
  return [...endpoints.slice(start), ...endpoints.slice(0, start)];
}

/** With no memory, or when the remembered endpoint has left the configuration, the round starts with the first listed. */
function firstRound(strategy: Strategy, lastConnected: string | undefined, dice: Dice): readonly string[] {
  const remembered = strategy.startWith === 'last-connected' && lastConnected !== undefined;
  return roundFrom(strategy, remembered ? Math.max(0, strategy.endpoints.indexOf(lastConnected)) : 0, dice);
}

function startOf(round: readonly string[], failures: number, pauseMs: number): Attempt {
  const [endpoint = '', ...remaining] = round;
  return { endpoint, number: 1, remaining, failures, pauseMs };
}

/** The first attempt after the start of the agent. */
export function firstAttempt(strategy: Strategy, lastConnected: string | undefined, dice: Dice): Attempt {
  return startOf(firstRound(strategy, lastConnected, dice), 0, 0);
}

/**
 * The attempt after one that failed: the same endpoint until it has had its attempts, then the next of the round; after
 * the last of them, with a backoff, another round. One of the list's order goes on from where the last one ended.
 */
export function afterFailure(strategy: Strategy, failed: Attempt, dice: Dice): Attempt {
  const { endpoints } = strategy;
  const here = endpoints.indexOf(failed.endpoint);
  if (here >= 0 && failed.number < strategy.maxAttempts)
    return { ...failed, number: failed.number + 1, pauseMs: dice() * jitterMs };
  const remaining = failed.remaining.filter((endpoint) => endpoints.includes(endpoint));
  if (remaining.length > 0) return startOf(remaining, failed.failures, dice() * jitterMs);
  const failures = failed.failures + 1;
  const round = roundFrom(strategy, here + 1, dice);
  return startOf(round, failures, backoff(strategy, failures, dice));
}

/**
 * The attempt after a connection that `succeeded` made and that was lost when it had been up for `uptimeMs`:
 * at once after a stable one; after a short-lived one with the backoff of a failed round, for whoever accepts and drops.
 */
export function afterConnection(
  strategy: Strategy,
  succeeded: Attempt,
  uptimeMs: number,
  dice: Dice,
): Attempt {
  const round = firstRound(strategy, succeeded.endpoint, dice);
  const failures = uptimeMs >= stableMs ? 0 : succeeded.failures + 1;
  return startOf(round, failures, failures === 0 ? dice() * jitterMs : backoff(strategy, failures, dice));
}

/**
 * The attempt with which a periodic connection begins again when its schedule calls for it, after one that `succeeded`
 * made and that ended gracefully. It is one connection with breaks in it: whatever the strategy starts with, it goes back
 * to the same endpoint, and on to others only when that fails. The pause spreads a fleet that shares its anchor.
 */
export function afterBreak(strategy: Strategy, succeeded: Attempt, dice: Dice): Attempt {
  const same = succeeded.endpoint;
  const here = strategy.endpoints.indexOf(same);
  const round = roundFrom(strategy, Math.max(0, here), dice);
  const order = here < 0 ? round : [same, ...round.filter((endpoint) => endpoint !== same)];
  return startOf(order, 0, dice() * jitterMs);
}

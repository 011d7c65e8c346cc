import type { ApplicationConfig, EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { ServedConnection } from '../connection/connection.js';
import { connect } from './connect.js';
import { type Ending, endingOf } from './ending.js';
import type { ApplicationOptions } from './options.js';
import { type Activity, createRecord } from './record.js';
import { type History, type Step, scheduleStep } from './schedule.js';
import type { ApplicationStatus } from './status.js';
import {
  type Attempt,
  afterBreak,
  afterConnection,
  afterFailure,
  firstAttempt,
  type Strategy,
} from './strategy.js';

/** One management system that is called home to, for ever. */
export interface Application {
  readonly config: ApplicationConfig;
  status(): ApplicationStatus;
  /** Ends the connection, and makes another at once; or ends the pause before the next attempt. */
  reconnect(): void;
  /** Makes a periodic connection before its time, where there is none. @throws CALLHOME_NOT_PERIODIC */
  connectNow(): void;
  /** Ends it in order, the connection too; resolves when all of it is over. */
  stop(reason: CallhomeError): Promise<void>;
}

/** Between two waits, attempts or connections: there is nothing to be ended. */
const between: Activity = { state: 'waiting', until: undefined, end: () => undefined };

/** What a periodic connection begins by: what became of those before it; or, until there is one, that it was asked for. */
type Cause = History | { readonly kind: 'asked' };

/** What became of an attempt, and of its connection where there was one. */
type Outcome =
  | { readonly kind: 'failed' }
  | { readonly kind: 'ended'; readonly ending: Ending; readonly uptimeMs: number };

/** Starts calling one management system home. */
export function startApplication(config: ApplicationConfig, options: ApplicationOptions): Application {
  const { connectionType } = config;
  const { settings, remembered, clock, dice } = options;
  const log = options.log.child({ application: config.name });
  const started = clock.now();
  const record = createRecord(config, clock);
  let stopped: CallhomeError | undefined;
  let cause: Cause = { kind: 'none', since: started };
  let attempt = firstAttempt(strategy(), remembered.get(config.name), dice);
  let activity: Activity = between;

  function strategy(): Strategy {
    return {
      endpoints: config.endpoints.map((endpoint) => endpoint.name),
      startWith: config.startWith,
      maxAttempts: config.maxAttempts,
      backoffCapMs: settings().backoffCapSeconds * 1000,
    };
  }

  function endpointOf({ endpoint: name }: Attempt): EndpointConfig {
    const endpoint = config.endpoints.find((candidate) => candidate.name === name);
    if (!endpoint) throw new Error(`the strategy chose ${name}, which is no endpoint`);
    return endpoint;
  }

  /** What begins after the stop is ended at once. */
  function enter(next: Activity): void {
    activity = next;
    if (stopped) next.end(stopped);
  }

  async function wait(delayMs: number, until: number | undefined): Promise<void> {
    const waiting = new AbortController();
    enter({ state: 'waiting', until, end: () => waiting.abort() });
    await clock.wait(delayMs, waiting.signal);
  }

  function nextStep(): Step {
    if (connectionType.kind !== 'periodic' || cause.kind === 'asked' || stopped) return { kind: 'due' };
    const schedule = {
      periodMs: connectionType.periodMinutes * 60_000,
      anchor: connectionType.anchor ?? started,
    };
    const step = scheduleStep(schedule, cause, clock.now());
    if (step.kind === 'wait') cause = step.history;
    return step;
  }

  /** Waits for the time of a periodic connection. */
  async function untilDue(): Promise<void> {
    let step = nextStep();
    if (step.kind === 'wait' && step.due !== undefined)
      log.info({ next: new Date(step.due).toISOString() }, 'next connection due');
    while (step.kind === 'wait') {
      await wait(step.delayMs, step.due);
      step = nextStep();
    }
  }

  /** The whole life of a connection. */
  async function stayConnected(
    connection: ServedConnection,
    endpoint: EndpointConfig,
    attemptLog: Log,
  ): Promise<Outcome> {
    const since = clock.monotonic();
    record.connected();
    enter({
      state: 'connected',
      since: clock.now(),
      connection,
      end: (reason) => connection.end(reason),
    });
    await remembered.remember(config.name, endpoint.name);
    attemptLog.info({ address: endpoint.address, port: endpoint.port, user: connection.user }, 'connected');
    const reason = await connection.ended;
    const uptimeMs = clock.monotonic() - since;
    const { total: sessions, closedInOrder } = connection.sessions;
    const ending = endingOf(reason, closedInOrder);
    const asExpected = ending === 'done' || (ending === 'left' && connectionType.kind === 'periodic');
    enter(between);
    record.disconnected(endpoint, sessions, asExpected ? undefined : reason);
    attemptLog.info(
      { code: reason.code, reason: reason.message, uptime: Math.round(uptimeMs / 1000), sessions },
      'disconnected',
    );
    return { kind: 'ended', ending, uptimeMs };
  }

  async function makeAttempt(): Promise<Outcome> {
    const endpoint = endpointOf(attempt);
    const attemptLog = log.child({ endpoint: endpoint.name, attempt: attempt.number });
    record.attempted();
    try {
      return await stayConnected(
        await connect(config, endpoint, options, enter, attemptLog),
        endpoint,
        attemptLog,
      );
    } catch (error) {
      record.failed(endpoint, error);
      return { kind: 'failed' };
    }
  }

  function followFailure(): void {
    const made = attempt;
    attempt = afterFailure(strategy(), made, dice);
    const { code, message: reason } = record.lastError ?? {};
    const next = {
      endpoint: attempt.endpoint,
      attempt: attempt.number,
      seconds: Math.round(attempt.pauseMs / 100) / 10,
    };
    log.warn({ endpoint: made.endpoint, attempt: made.number, code, reason, next }, 'attempt failed');
  }

  function followConnection(ending: Ending, uptimeMs: number): void {
    if (connectionType.kind === 'periodic' && (ending === 'done' || ending === 'left')) {
      cause = { kind: 'closed', at: clock.now() };
      attempt = afterBreak(strategy(), attempt, dice);
      return;
    }
    cause = { kind: 'lost' };
    // however short it was, it was no collector that accepts and drops
    attempt = afterConnection(strategy(), attempt, ending === 'done' ? Infinity : uptimeMs, dice);
    if (ending === 'asked') attempt = { ...attempt, pauseMs: 0 };
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await untilDue();
      await wait(attempt.pauseMs, clock.now() + attempt.pauseMs);
      if (stopped) return;
      const outcome = await makeAttempt();
      if (stopped) return;
      if (outcome.kind === 'failed') followFailure();
      else followConnection(outcome.ending, outcome.uptimeMs);
    }
  }
  const over = run();

  /** The next attempt is made now: neither its pause nor the time of a periodic connection is waited for. */
  function hurry(): void {
    cause = { kind: 'asked' };
    if (activity.state === 'waiting') activity.end();
  }

  return {
    config,
    status: () => record.status(activity, attempt, endpointOf(attempt)),
    reconnect() {
      if (activity.state === 'connected') activity.end(new CallhomeError('CALLHOME_RECONNECT', {}));
      else hurry();
    },
    connectNow() {
      if (connectionType.kind !== 'periodic')
        throw new CallhomeError('CALLHOME_NOT_PERIODIC', { application: config.name });
      if (activity.state !== 'connected') hurry();
    },
    async stop(reason) {
      stopped = reason;
      activity.end(reason);
      await over;
    },
  };
}

import { setTimeout as pause } from 'node:timers/promises';
import type { ApplicationConfig, EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError, type ErrorCode, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { Backend } from '../backend/backend.js';
import { type ServedConnection, serveConnection } from '../connection/connection.js';
import { dialTcp } from '../dial/tcp.js';
import type { RememberedEndpoints } from './remembered-endpoints.js';
import { type History, scheduleStep } from './schedule.js';
import type { ApplicationStatus } from './status.js';
import {
  type Attempt,
  afterBreak,
  afterConnection,
  afterFailure,
  firstAttempt,
  type Strategy,
} from './strategy.js';

/** What holds for all applications, and may change while they run: it is looked up for each attempt and session. */
export interface AgentSettings {
  readonly backend: Backend;
  readonly backoffCapSeconds: number;
  readonly handshakeTimeoutSeconds: number;
  readonly maxSessions: number;
  readonly sessionLingerSeconds: number;
}

export interface ApplicationOptions {
  readonly settings: () => AgentSettings;
  readonly remembered: RememberedEndpoints;
  readonly log: Log;
}

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

/** What it is doing. */
type Activity =
  /** `until`: when its next attempt is due, where that is known. */
  | { readonly state: 'waiting'; readonly until?: number }
  | { readonly state: 'dialling' | 'authenticating' }
  | { readonly state: 'connected'; readonly since: number; readonly connection: ServedConnection };

/** What became of an attempt, and of its connection where there was one. */
type Outcome =
  | { readonly kind: 'failed' }
  | {
      readonly kind: 'ended';
      readonly reason: CallhomeError;
      readonly inOrder: boolean;
      readonly uptime: number;
    };

/** Ends that the agent itself brings about because nobody needs the connection any more. */
const ownEnds: readonly ErrorCode[] = ['CALLHOME_IDLE', 'CALLHOME_SESSIONS_DONE'];

/** How a connection ends by the peer: some leave answers unread, and then a reset takes the place of the end. */
const peerEnds: readonly ErrorCode[] = ['CALLHOME_PEER_CLOSED', 'CALLHOME_CONNECTION_LOST'];

/** As in RFC 3339. */
function timeText(time: number): string {
  return new Date(time).toISOString();
}

/** Starts calling one management system home. */
export function startApplication(config: ApplicationConfig, options: ApplicationOptions): Application {
  const { connectionType } = config;
  const { remembered } = options;
  const log = options.log.child({ application: config.name });
  const started = Date.now();
  const stopping = new AbortController();
  /** Ends what the application waits for. */
  let waiting = new AbortController();
  /** A periodic connection is to begin before its time. */
  let forced = false;
  let history: History = { kind: 'none', since: started };
  let attempt = firstAttempt(strategy(), remembered.get(config.name), Math.random);

  let activity: Activity = { state: 'waiting' };
  let lastError: ApplicationStatus['lastError'];
  const totals = { attempts: 0, failures: 0, connections: 0, sessions: 0 };

  function strategy(): Strategy {
    return {
      endpoints: config.endpoints.map((endpoint) => endpoint.name),
      startWith: config.startWith,
      maxAttempts: config.maxAttempts,
      backoffCapMs: options.settings().backoffCapSeconds * 1000,
    };
  }

  function endpointOf({ endpoint: name }: Attempt): EndpointConfig {
    const endpoint = config.endpoints.find((candidate) => candidate.name === name);
    if (!endpoint) throw new Error(`the strategy chose ${name}, which is no endpoint`);
    return endpoint;
  }

  /** Waits, unless it is woken or stopped. Milliseconds. */
  async function wait(delay: number, until: number | undefined): Promise<void> {
    if (stopping.signal.aborted) return;
    activity = { state: 'waiting', ...(until !== undefined && { until }) };
    waiting = new AbortController();
    await pause(delay, undefined, { signal: waiting.signal }).catch(() => undefined);
  }

  /** Waits for the time of a periodic connection. */
  async function untilDue(): Promise<void> {
    if (connectionType.kind !== 'periodic') return;
    const schedule = {
      periodMs: connectionType.periodMinutes * 60_000,
      anchor: connectionType.anchor ?? started,
    };
    let told = false;
    while (!stopping.signal.aborted && !forced) {
      const step = scheduleStep(schedule, history, Date.now());
      if (step.kind === 'due') return;
      history = step.history;
      if (!told && step.due !== undefined)
        log.info({ next: new Date(step.due).toISOString() }, 'next connection due');
      told = true;
      await wait(step.delayMs, step.due);
    }
  }

  function noteError(error: unknown, endpoint: string): void {
    const code = error instanceof CallhomeError ? error.code : undefined;
    lastError = { code, message: reasonOf(error), endpoint, at: timeText(Date.now()) };
  }

  /** Dials, and lets a user in. */
  async function connect(endpoint: EndpointConfig, attemptLog: Log): Promise<ServedConnection> {
    const { signal } = stopping;
    const { handshakeTimeoutSeconds, maxSessions, sessionLingerSeconds } = options.settings();
    activity = { state: 'dialling' };
    attemptLog.debug({ address: endpoint.address, port: endpoint.port }, 'dialling');
    const socket = await dialTcp({
      address: endpoint.address,
      port: endpoint.port,
      localAddress: endpoint.localAddress,
      localPort: endpoint.localPort,
      keepaliveSeconds: endpoint.tcpKeepaliveSeconds,
      proxy: endpoint.proxy,
      maxWaitSeconds: config.maxWaitSeconds,
      signal,
    });
    activity = { state: 'authenticating' };
    const giveUp = (): void => void socket.destroy();
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    return await serveConnection(socket, endpoint, {
      handshakeTimeoutSeconds,
      maxSessions,
      sessionLingerSeconds,
      idleTimeoutSeconds: connectionType.kind === 'periodic' ? connectionType.idleTimeoutSeconds : 0,
      onSession: (channel, origin) => options.settings().backend.open(channel, origin),
      log: attemptLog,
    }).finally(() => signal.removeEventListener('abort', giveUp));
  }

  /** The whole life of a connection. */
  async function stayConnected(
    made: ServedConnection,
    endpoint: EndpointConfig,
    attemptLog: Log,
  ): Promise<Outcome> {
    activity = { state: 'connected', since: Date.now(), connection: made };
    forced = false;
    totals.connections += 1;
    const since = performance.now();
    const { signal } = stopping;
    const stop = (): void => made.end(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    await remembered.remember(config.name, endpoint.name);
    attemptLog.info({ address: endpoint.address, port: endpoint.port, user: made.user }, 'connected');
    const reason = await made.ended.finally(() => signal.removeEventListener('abort', stop));
    const uptime = performance.now() - since;
    activity = { state: 'waiting' };
    totals.sessions += made.sessions.total;
    const inOrder =
      ownEnds.includes(reason.code) || (peerEnds.includes(reason.code) && made.sessions.closedInOrder);
    if (inOrder && (connectionType.kind === 'periodic' || ownEnds.includes(reason.code)))
      lastError = undefined;
    else noteError(reason, endpoint.name);
    attemptLog.info(
      {
        code: reason.code,
        reason: reason.message,
        uptime: Math.round(uptime / 1000),
        sessions: made.sessions.total,
      },
      'disconnected',
    );
    return { kind: 'ended', reason, inOrder, uptime };
  }

  async function makeAttempt(): Promise<Outcome> {
    const endpoint = endpointOf(attempt);
    const attemptLog = log.child({ endpoint: endpoint.name, attempt: attempt.number });
    totals.attempts += 1;
    try {
      return await stayConnected(await connect(endpoint, attemptLog), endpoint, attemptLog);
    } catch (error) {
      totals.failures += 1;
      noteError(error, endpoint.name);
      return { kind: 'failed' };
    }
  }

  /** The next attempt, and for a periodic connection what has become of the last one. */
  function follow(outcome: Outcome): void {
    const made = attempt;
    if (outcome.kind === 'failed') {
      attempt = afterFailure(strategy(), made, Math.random);
      const { code, message: reason } = lastError ?? {};
      const next = {
        endpoint: attempt.endpoint,
        attempt: attempt.number,
        seconds: Math.round(attempt.pauseMs / 100) / 10,
      };
      log.warn({ endpoint: made.endpoint, attempt: made.number, code, reason, next }, 'attempt failed');
      return;
    }
    const asked = outcome.reason.code === 'CALLHOME_RECONNECT';
    if (connectionType.kind === 'periodic' && outcome.inOrder) {
      history = { kind: 'closed', at: Date.now() };
      attempt = afterBreak(strategy(), made, Math.random);
    } else {
      history = { kind: 'lost' };
      // however short it was, it was no collector that accepts and drops
      const served = ownEnds.includes(outcome.reason.code);
      attempt = afterConnection(strategy(), made, served ? Infinity : outcome.uptime, Math.random);
    }
    if (asked) attempt = { ...attempt, pauseMs: 0 };
  }

  async function run(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await untilDue();
      await wait(attempt.pauseMs, Date.now() + attempt.pauseMs);
      if (signal.aborted) return;
      const outcome = await makeAttempt();
      if (!signal.aborted) follow(outcome);
    }
  }
  const over = run();

  return {
    config,
    status() {
      const { state } = activity;
      const connected = activity.state === 'connected' ? activity : undefined;
      const sessions = connected?.connection.sessions;
      const { name, address, port } = endpointOf(attempt);
      return {
        application: config.name,
        connectionType: connectionType.kind,
        state,
        endpoint: name,
        address,
        port,
        attempt: attempt.number,
        maxAttempts: config.maxAttempts,
        nextAttempt:
          activity.state === 'waiting' && activity.until !== undefined ? timeText(activity.until) : undefined,
        connectedSince: connected && timeText(connected.since),
        user: connected?.connection.user,
        sessions: sessions?.open ?? 0,
        lastError,
        totals: { ...totals, sessions: totals.sessions + (sessions?.total ?? 0) },
      };
    },
    reconnect() {
      forced = activity.state !== 'connected';
      if (activity.state === 'connected')
        activity.connection.end(new CallhomeError('CALLHOME_RECONNECT', {}));
      else waiting.abort();
    },
    connectNow() {
      if (connectionType.kind !== 'periodic')
        throw new CallhomeError('CALLHOME_NOT_PERIODIC', { application: config.name });
      if (activity.state === 'connected') return;
      forced = true;
      waiting.abort();
    },
    async stop(reason) {
      stopping.abort(reason);
      waiting.abort();
      await over;
    },
  };
}

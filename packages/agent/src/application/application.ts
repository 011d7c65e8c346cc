import { setTimeout as pause } from 'node:timers/promises';
import type { ApplicationConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { Backend } from '../backend/backend.js';
import { dialTcp } from '../dial/tcp.js';
import { serveSsh } from '../transport/ssh.js';
import type { RememberedEndpoints } from './remembered-endpoints.js';
import { type Attempt, afterConnection, afterFailure, firstAttempt, type Strategy } from './strategy.js';

export interface ApplicationOptions {
  readonly backend: Backend;
  readonly remembered: RememberedEndpoints;
  /** Seconds. */
  readonly backoffCap: number;
  /** Seconds. */
  readonly handshakeTimeout: number;
  readonly maxSessions: number;
  readonly log: Log;
  /** Ends the application; its connection is closed in order. */
  readonly signal: AbortSignal;
}

/** Calls one management system home, for ever; resolves when the signal has ended it. */
export async function runApplication(config: ApplicationConfig, options: ApplicationOptions): Promise<void> {
  const { signal, remembered } = options;
  const log = options.log.child({ application: config.name });
  const strategy: Strategy = {
    endpoints: config.endpoints.map((endpoint) => endpoint.name),
    startWith: config.startWith,
    maxAttempts: config.maxAttempts,
    backoffCap: options.backoffCap * 1000,
  };
  let attempt = firstAttempt(strategy, remembered.get(config.name), Math.random);
  while (!signal.aborted) {
    await pause(attempt.pause, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    attempt = await makeAttempt(config, attempt, strategy, options, log);
  }
}

/** One attempt, and the whole life of the connection where it succeeds; the result is the next attempt. */
async function makeAttempt(
  config: ApplicationConfig,
  attempt: Attempt,
  strategy: Strategy,
  options: ApplicationOptions,
  parent: Log,
): Promise<Attempt> {
  const endpoint = config.endpoints.find((candidate) => candidate.name === attempt.endpoint);
  if (!endpoint) throw new Error(`the strategy chose ${attempt.endpoint}, which is no endpoint`);
  const { signal, remembered } = options;
  const log = parent.child({ endpoint: endpoint.name, attempt: attempt.number });
  log.debug({ address: endpoint.address, port: endpoint.port }, 'dialling');
  try {
    const socket = await dialTcp({
      address: endpoint.address,
      port: endpoint.port,
      localAddress: endpoint.localAddress,
      localPort: endpoint.localPort,
      keepalive: endpoint.tcpKeepalive,
      proxy: endpoint.proxy,
      maxWait: config.maxWait,
      signal,
    });
    const giveUp = (): void => void socket.destroy();
    signal.addEventListener('abort', giveUp);
    const connection = await serveSsh(socket, endpoint, {
      handshakeTimeout: options.handshakeTimeout,
      maxSessions: options.maxSessions,
      onSession: (channel, origin) => options.backend.open(channel, origin),
      log,
    }).finally(() => signal.removeEventListener('abort', giveUp));

    const since = performance.now();
    const stop = (): void => connection.end(new CallhomeError('CALLHOME_STOPPED', {}));
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    await remembered.remember(config.name, endpoint.name);
    log.info({ address: endpoint.address, port: endpoint.port, user: connection.user }, 'connected');
    const reason = await connection.ended.finally(() => signal.removeEventListener('abort', stop));

    const uptime = performance.now() - since;
    const next = afterConnection(strategy, attempt, uptime, Math.random);
    log.info(
      { code: reason.code, reason: reason.message, uptime: Math.round(uptime / 1000) },
      'disconnected',
    );
    return next;
  } catch (error) {
    const next = afterFailure(strategy, attempt, Math.random);
    if (!signal.aborted) {
      const code = error instanceof CallhomeError ? error.code : undefined;
      const then = {
        endpoint: next.endpoint,
        attempt: next.number,
        seconds: Math.round(next.pause / 100) / 10,
      };
      log.warn({ code, reason: reasonOf(error), next: then }, 'attempt failed');
    }
    return next;
  }
}

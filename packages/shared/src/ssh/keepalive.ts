import type { Socket } from 'node:net';
import type { Client, Connection } from 'ssh2';
import type { Lifecycle } from '../connection/lifecycle.js';
import { CallhomeError } from '../errors.js';
import { sendKeepalive } from './ssh2-internals.js';

/** When SSH probes a silent peer, as the model has it. */
export interface KeepaliveConfig {
  readonly maxWaitSeconds: number;
  readonly maxAttempts: number;
}

/** When to probe a silent peer, and when to take it for gone. Times in milliseconds of a monotonic clock. */
export interface KeepalivePolicy {
  /** Without data from the peer, before each probe. */
  readonly maxWaitMs: number;
  /** Unanswered probes. 0 is taken as 1: a peer cannot be judged without one. */
  readonly maxAttempts: number;
}

/** What has been seen of the peer: when it was last heard, and the probes sent since then. */
export interface Silence {
  readonly lastHeard: number;
  readonly probes: number;
  readonly lastProbe: number;
}

type Step =
  | { readonly kind: 'wait'; readonly delay: number }
  | { readonly kind: 'probe' }
  | { readonly kind: 'dead'; readonly silentFor: number };

/**
 * What to do at `now`. A peer that vanishes is dead after maxWait × (maxAttempts + 1).
 * Each probe has its whole time, however late this is asked: a process that slept does not condemn its peers.
 */
export function keepaliveStep(policy: KeepalivePolicy, silence: Silence, now: number): Step {
  const due = (silence.probes === 0 ? silence.lastHeard : silence.lastProbe) + policy.maxWaitMs;
  if (now < due) return { kind: 'wait', delay: due - now };
  if (silence.probes < Math.max(1, policy.maxAttempts)) return { kind: 'probe' };
  return { kind: 'dead', silentFor: now - silence.lastHeard };
}

/** Probes the peer of an authenticated connection until its socket closes, and cuts the connection of one that is dead. */
export function keepAlive(
  connection: Client | Connection,
  socket: Socket,
  config: KeepaliveConfig,
  life: Lifecycle,
): void {
  const policy: KeepalivePolicy = {
    maxWaitMs: config.maxWaitSeconds * 1000,
    maxAttempts: config.maxAttempts,
  };
  let silence: Silence = { lastHeard: performance.now(), probes: 0, lastProbe: 0 };
  const run = (): void => {
    if (life.stage !== 'open') return;
    const now = performance.now();
    const step = keepaliveStep(policy, silence, now);
    if (step.kind === 'dead') {
      life.cut(new CallhomeError('CALLHOME_PEER_VANISHED', { seconds: Math.round(step.silentFor / 1000) }));
      return;
    }
    if (step.kind === 'probe') {
      silence = { ...silence, probes: silence.probes + 1, lastProbe: now };
      sendKeepalive(connection);
    }
    timer = setTimeout(run, step.kind === 'wait' ? step.delay : policy.maxWaitMs);
  };
  let timer = setTimeout(run, policy.maxWaitMs);
  socket.on('data', () => {
    silence = { lastHeard: performance.now(), probes: 0, lastProbe: 0 };
  });
  socket.once('close', () => clearTimeout(timer));
}

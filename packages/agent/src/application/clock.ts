import { setTimeout as pause } from 'node:timers/promises';

/** The time that an application goes by. */
export interface Clock {
  /** By the wall clock, which may be set: milliseconds since 1970. */
  now(): number;
  /** Milliseconds of a clock that only goes on. */
  monotonic(): number;
  /** Resolves after the delay, or when the signal is aborted. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
}

/** The system's. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wait: (delayMs, signal) => pause(delayMs, undefined, { signal }).catch(() => undefined),
};

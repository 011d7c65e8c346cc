import { reasonOf } from '@callhome/shared/errors.js';
import type { PastConnections } from '../registry/past-connections.js';
import type { Emit } from './events.js';

const dayMs = 24 * 60 * 60 * 1000;

/** Forgets connections that are too old: now, and once a day. What fails of it is an event, and tried again a day later. */
export function keepRetention(past: PastConnections, emit: Emit): { stop(): Promise<void> } {
  const stopped = new AbortController();
  let running = Promise.resolve();
  const prune = (): void => {
    running = running
      .then(() => past.prune(new Date().toISOString(), stopped.signal))
      .catch((error) =>
        emit({ kind: 'registry-failed', about: 'past connections', reason: reasonOf(error) }),
      );
  };
  prune();
  const timer = setInterval(prune, dayMs);
  timer.unref();
  return {
    /** Resolves when it does nothing more. */
    stop() {
      stopped.abort();
      clearInterval(timer);
      return running;
    },
  };
}

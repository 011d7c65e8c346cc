import { CallhomeError } from '@callhome/shared/errors.js';

/** Memory for what callers send, given out first come, first served. */
export interface Room {
  /**
   * Resolves, when there are so many bytes, with what gives them back: once, however often it is called.
   * @throws CALLHOME_API_BUSY after `waitMs`; the signal's reason
   */
  take(bytes: number, waitMs: number, signal: AbortSignal): Promise<() => void>;
}

/** @param most in bytes: no less than the most that is taken at once */
export function createRoom(most: number): Room {
  let left = most;
  const waiting = new Set<{ readonly bytes: number; readonly admit: () => void }>();

  function admit(): void {
    for (const next of waiting) {
      if (next.bytes > left) return;
      waiting.delete(next);
      left -= next.bytes;
      next.admit();
    }
  }

  return {
    take: (bytes, waitMs, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const stopWaiting = () => {
          clearTimeout(limit);
          signal.removeEventListener('abort', onAbort);
        };
        const leave = (reason: unknown) => {
          stopWaiting();
          waiting.delete(place);
          reject(reason);
          admit();
        };
        const onAbort = () => leave(signal.reason);
        const limit = setTimeout(() => {
          leave(new CallhomeError('CALLHOME_API_BUSY', { what: 'bytes of operations', most }));
        }, waitMs);
        signal.addEventListener('abort', onAbort);
        const place = {
          bytes,
          admit() {
            stopWaiting();
            let state: 'taken' | 'given back' = 'taken';
            resolve(() => {
              if (state === 'given back') return;
              state = 'given back';
              left += bytes;
              admit();
            });
          },
        };
        waiting.add(place);
        admit();
      }),
  };
}

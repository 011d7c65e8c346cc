import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';

/** What tells whether a connection has served its purpose. */
export interface Linger {
  /** A session begins: the connection is needed. */
  needed(): void;
  /** The last session was closed by its client's `<close-session>`, and there is no other. */
  done(): void;
}

/**
 * Ends a connection a while after its last session was closed in order: what was used for the session is closed with it
 * (RFC 6241 §7.8), and some clients wait for the server to do it. A client that keeps the connection for more opens
 * another session in time, opens none at all, or closes its channel without `<close-session>`.
 * @param seconds how long another session may take to come
 */
export function lingerAfterSessions(seconds: number, life: Pick<Lifecycle, 'end' | 'ended'>): Linger {
  let timer: NodeJS.Timeout | undefined;
  const needed = (): void => clearTimeout(timer);
  void life.ended.then(needed);
  return {
    needed,
    done() {
      needed();
      timer = setTimeout(
        () => life.end(new CallhomeError('CALLHOME_SESSIONS_DONE', { seconds })),
        seconds * 1000,
      );
    },
  };
}

import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { Sessions } from './sessions.js';

/**
 * Ends a connection on which no message passes from now on, keep-alives apart.
 * @param seconds 0 is never
 */
export function limitIdle(
  seconds: number,
  sessions: Pick<Sessions, 'lastMessage'>,
  life: Pick<Lifecycle, 'end' | 'ended'>,
): void {
  if (seconds === 0) return;
  const begin = performance.now();
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const left = (sessions.lastMessage ?? begin) + seconds * 1000 - performance.now();
    if (left <= 0) life.end(new CallhomeError('CALLHOME_IDLE', { seconds }));
    else timer = setTimeout(look, Math.ceil(left));
  };
  look();
  void life.ended.then(() => clearTimeout(timer));
}

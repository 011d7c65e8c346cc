import { CallhomeError } from '@callhome/shared/errors.js';
import type { Sessions } from './sessions.js';

/**
 * Ends a connection on which no message passes, keep-alives apart.
 * @param seconds 0 is never
 */
export function limitIdle(
  seconds: number,
  sessions: Pick<Sessions, 'lastMessage'>,
  ended: Promise<unknown>,
  end: (reason: CallhomeError) => void,
): void {
  if (seconds === 0) return;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const left = sessions.lastMessage + seconds * 1000 - performance.now();
    if (left <= 0) end(new CallhomeError('CALLHOME_IDLE', { seconds }));
    else timer = setTimeout(look, Math.ceil(left));
  };
  look();
  void ended.then(() => clearTimeout(timer));
}

import { type AllowanceLimits, allowanceText, createAllowance } from '../allowance.js';
import { CallhomeError } from '../errors.js';

/** Notifications that nobody asked for, and replies to what was not asked: some devices send a few. */
const strayMessages: AllowanceLimits = { burst: 5_000, perSecond: 50 };

/** Of these messages together. Bytes. */
const strayBytes: AllowanceLimits = { burst: 16 * 1024 * 1024, perSecond: 64 * 1024 };

/** What is left of a reply that its reader gave up, or that cannot be read. Bytes. */
const maxRest = 1024 * 1024 * 1024;

/** Why a message is of no use: nobody asked for it, or who did no longer waits. */
export type Uselessness = 'stray' | 'given up';

/** Counts what a device sends and nobody has a use for. Each throws CALLHOME_TRAFFIC_USELESS. */
export interface UselessMessages {
  begin(why: Uselessness): void;
  /** A piece of the message that has begun last. */
  data(bytes: number): void;
}

export function createUselessMessages(): UselessMessages {
  const messagesLeft = createAllowance(strayMessages);
  const bytesLeft = createAllowance(strayBytes);
  let current: Uselessness = 'stray';
  let rest = 0;
  const end = (what: string, limit: string): never => {
    throw new CallhomeError('CALLHOME_TRAFFIC_USELESS', { what, limit });
  };
  return {
    begin(why) {
      current = why;
      rest = 0;
      if (why === 'stray' && !messagesLeft.spend(1, performance.now()))
        end('notifications and replies', allowanceText(strayMessages));
    },
    data(bytes) {
      if (current === 'stray') {
        if (!bytesLeft.spend(bytes, performance.now()))
          end('bytes of notifications and replies', allowanceText(strayBytes));
        return;
      }
      rest += bytes;
      if (rest > maxRest) end('bytes of a reply', String(maxRest));
    },
  };
}

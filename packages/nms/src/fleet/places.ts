import type { Duplex } from 'node:stream';
import { CallhomeError } from '@callhome/shared/errors.js';

/** The places for operators' own sessions with a device: so many at once, and no more. */
export interface Places {
  /**
   * Opens a session where there is a place, which it has until it is closed.
   * @throws CALLHOME_SESSIONS_TAKEN, and what `open` throws
   */
  take(open: () => Promise<Duplex>): Promise<Duplex>;
}

/** @param most no limit where it is left out */
export function createPlaces(device: string, most = Number.POSITIVE_INFINITY): Places {
  let taken = 0;
  return {
    async take(open) {
      if (taken >= most) throw new CallhomeError('CALLHOME_SESSIONS_TAKEN', { device, most });
      taken += 1;
      try {
        const session = await open();
        return session.once('close', () => {
          taken -= 1;
        });
      } catch (error) {
        taken -= 1;
        throw error;
      }
    },
  };
}

import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';

/** Connections of one device that have proved its key and are not under management yet. */
const maxUnmanaged = 2;

/** Connections between the proof of a device's key and their management: a device that comes no further has few of them. */
export interface Unmanaged {
  /** One that comes when there are enough replaces the oldest of the same device. */
  add(device: string, life: Lifecycle, remoteAddress: string): void;
  remove(device: string, life: Lifecycle): void;
}

export function limitUnmanaged(): Unmanaged {
  const byDevice = new Map<string, Set<Lifecycle>>();
  return {
    add(device, life, remoteAddress) {
      const lives = byDevice.get(device) ?? new Set();
      byDevice.set(device, lives.add(life));
      const [oldest] = lives;
      if (lives.size > maxUnmanaged) oldest?.end(new CallhomeError('CALLHOME_REPLACED', { remoteAddress }));
    },
    remove(device, life) {
      const lives = byDevice.get(device);
      lives?.delete(life);
      if (lives?.size === 0) byDevice.delete(device);
    },
  };
}

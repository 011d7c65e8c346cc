import type { HostProof } from '@callhome/shared/connection/connection.js';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { concerned, revocation } from '../identity/revocation.js';
import type { RegistryChange } from '../registry/registry.js';

/** Connections of one device that have proved its key and are not under management yet. */
const maxUnmanaged = 2;

interface Proved {
  readonly life: Lifecycle;
  readonly proof: HostProof;
  readonly remoteAddress: string;
}

/** Connections between the proof of a device's key and their management: a device that comes no further has few of them. */
export interface Unmanaged {
  /** One that comes when there are enough replaces the oldest of the same device. */
  add(device: string, proved: Proved): void;
  remove(device: string, life: Lifecycle): void;
  /** Ends those of a device. */
  end(device: string, reason: CallhomeError): void;
  /** Ends what must end because of a change of the registry. */
  follow(change: RegistryChange): void;
}

/** @param owner the collector's name in the registry */
export function limitUnmanaged(owner: string): Unmanaged {
  const byDevice = new Map<string, Map<Lifecycle, Proved>>();
  return {
    add(device, proved) {
      const connections = byDevice.get(device) ?? new Map<Lifecycle, Proved>();
      byDevice.set(device, connections.set(proved.life, proved));
      const [oldest] = connections.keys();
      if (connections.size <= maxUnmanaged || !oldest) return;
      // It may take a while to end, and does not count meanwhile.
      connections.delete(oldest);
      oldest.end(new CallhomeError('CALLHOME_REPLACED', { remoteAddress: proved.remoteAddress }));
    },
    remove(device, life) {
      const connections = byDevice.get(device);
      connections?.delete(life);
      if (connections?.size === 0) byDevice.delete(device);
    },
    end(device, reason) {
      for (const { life } of byDevice.get(device)?.values() ?? []) life.end(reason);
    },
    follow(change) {
      for (const { life, proof } of byDevice.get(concerned(change))?.values() ?? []) {
        const reason = revocation(change, proof, owner);
        if (reason) life.end(reason);
      }
    },
  };
}

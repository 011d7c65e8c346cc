import type { HostProof } from '@callhome/shared/connection/connection.js';
import { fingerprint, keyType } from '@callhome/shared/ssh/public-key.js';
import type { HostKey } from '../registry/host-key.js';
import type { CalledDevice, DeviceDefinition, Registry } from '../registry/registry.js';

// What proves a device, by what carries its connection: all that differs between them is here.

/** What was proved, as the registry has it. */
export function provedKey({ hostKey }: HostProof): HostKey {
  return {
    type: keyType(hostKey),
    blob: hostKey.toString('base64'),
    fingerprint: fingerprint(hostKey),
  };
}

/** The device that is known by what was proved. */
export function ownerOf(registry: Registry, { hostKey }: HostProof): Promise<CalledDevice | undefined> {
  return registry.withHostKey(hostKey.toString('base64'));
}

/** Whether a device is known by what was proved. */
export function isProvedBy(device: DeviceDefinition, { hostKey }: HostProof): boolean {
  const blob = hostKey.toString('base64');
  return device.hostKeys.some((key) => key.blob === blob);
}

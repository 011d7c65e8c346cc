import type { HostProof } from '@callhome/shared/connection/connection.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { fingerprint, keyType } from '@callhome/shared/ssh/public-key.js';
import type { DeviceDefinition } from '../registry/registry.js';

/** Who has called, and whether it may come in. */
export type Identity =
  | { readonly kind: 'known'; readonly device: DeviceDefinition }
  | { readonly kind: 'refused'; readonly reason: CallhomeError };

/** @param owner whom the registry knows by what was proved */
export function identify({ hostKey }: HostProof, owner: DeviceDefinition | undefined): Identity {
  if (owner) return { kind: 'known', device: owner };
  const facts = { fingerprint: fingerprint(hostKey), keyType: keyType(hostKey) };
  return { kind: 'refused', reason: new CallhomeError('CALLHOME_HOST_KEY_UNKNOWN', facts) };
}

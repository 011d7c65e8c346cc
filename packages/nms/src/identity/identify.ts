import type { HostProof } from '@callhome/shared/connection/connection.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { DeviceDefinition } from '../registry/registry.js';
import { provedKey } from './proof.js';

/** Who has called, and whether it may come in. */
export type Identity =
  | { readonly kind: 'known'; readonly device: DeviceDefinition }
  | { readonly kind: 'refused'; readonly reason: CallhomeError };

/** @param owner whom the registry knows by what was proved */
export function identify(proof: HostProof, owner: DeviceDefinition | undefined): Identity {
  if (owner) return { kind: 'known', device: owner };
  const { fingerprint, type } = provedKey(proof);
  const facts = { fingerprint, keyType: type };
  return { kind: 'refused', reason: new CallhomeError('CALLHOME_HOST_KEY_UNKNOWN', facts) };
}

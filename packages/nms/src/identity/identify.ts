import type { HostProof } from '@callhome/shared/connection/connection.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { unfitness } from '@callhome/shared/ssh/public-key.js';
import type { PendingKey } from '../registry/pending-keys.js';
import type { CalledDevice } from '../registry/registry.js';
import { provedKey } from './proof.js';

/** What the registry knows of what was proved. */
export interface KnownOf {
  readonly owner: CalledDevice | undefined;
  /** Where it is no device's. */
  readonly pending: Pick<PendingKey, 'state'> | undefined;
}

/** Who has called, and whether it may come in. */
export type Identity =
  | { readonly kind: 'known'; readonly device: CalledDevice }
  /** Nobody knows it yet: it is remembered for an operator's word. */
  | { readonly kind: 'pending' | 'rejected'; readonly reason: CallhomeError }
  /** Nobody will: its key says nothing of who has it. */
  | { readonly kind: 'unfit'; readonly reason: CallhomeError };

export function identify(proof: HostProof, { owner, pending }: KnownOf): Identity {
  if (owner) return { kind: 'known', device: owner };
  const { fingerprint, type } = provedKey(proof);
  if (pending?.state === 'rejected')
    return { kind: 'rejected', reason: new CallhomeError('CALLHOME_HOST_KEY_REJECTED', { fingerprint }) };
  const why = unfitness(proof.hostKey);
  if (why !== undefined)
    return { kind: 'unfit', reason: new CallhomeError('CALLHOME_HOST_KEY_UNFIT', { fingerprint, why }) };
  const facts = { fingerprint, keyType: type };
  return { kind: 'pending', reason: new CallhomeError('CALLHOME_HOST_KEY_UNKNOWN', facts) };
}

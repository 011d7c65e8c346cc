import type { HostProof } from '@callhome/shared/connection/connection.js';
import { CallhomeError, quote } from '@callhome/shared/errors.js';
import type { RegistryChange } from '../registry/registry.js';
import { isProvedBy } from './proof.js';

/**
 * Why a device's connection must end because of a change of the registry; undefined where it may go on.
 * @param change of the same device
 * @param owner the collector's name
 */
export function revocation(
  change: RegistryChange,
  proof: HostProof,
  owner: string,
): CallhomeError | undefined {
  switch (change.kind) {
    case 'added':
      return undefined;
    case 'changed': {
      const reason = 'the host key that it proved is no longer one of the device';
      return isProvedBy(change.device, proof)
        ? undefined
        : new CallhomeError('CALLHOME_DISCONNECTED', { reason });
    }
    case 'removed':
      return new CallhomeError('CALLHOME_DISCONNECTED', { reason: 'the device was removed' });
    case 'renamed': {
      const reason = `the device was renamed: it is ${quote(change.to)} from its next call on`;
      return new CallhomeError('CALLHOME_DISCONNECTED', { reason });
    }
    case 'held':
      // What this collector itself has taken over, it has ended.
      return change.holder.owner === owner
        ? undefined
        : new CallhomeError('CALLHOME_REPLACED', { remoteAddress: change.remoteAddress });
  }
}

/** The device that a change of the registry concerns. */
export function concerned(change: RegistryChange): string {
  return 'device' in change ? change.device.id : change.id;
}

import { identify } from '@callhome/nms/identity/identify.js';
import { concerned, revocation } from '@callhome/nms/identity/revocation.js';
import type { DeviceDefinition, RegistryChange } from '@callhome/nms/registry/registry.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import { describe, expect, it } from 'vitest';

const { blob: hostKey } = generateKeyPair().publicKey;
const { blob: otherKey } = generateKeyPair().publicKey;
const proof = { transport: 'ssh' as const, hostKey };

const device = (...keys: readonly Buffer[]): DeviceDefinition => ({
  id: 'router1',
  labels: {},
  hostKeys: keys.map((key) => ({
    type: 'ssh-ed25519',
    blob: key.toString('base64'),
    fingerprint: fingerprint(key),
    origin: 'added',
  })),
  settings: {},
  profileSettings: {},
});

describe('who has proved a key', () => {
  it('is the device that has it', () => {
    const known = { owner: device(hostKey), pending: undefined };
    expect(identify(proof, known)).toEqual({ kind: 'known', device: device(hostKey) });
  });

  it('is refused where no device has it, and told by what to find it', () => {
    const identity = identify(proof, { owner: undefined, pending: undefined });
    expect(identity).toMatchObject({ kind: 'pending', reason: { code: 'CALLHOME_HOST_KEY_UNKNOWN' } });
    const { message } = identity.kind === 'pending' ? identity.reason : { message: '' };
    expect(message).toContain(`${fingerprint(hostKey)} (ssh-ed25519)`);
  });

  it('is rejected where an operator has said so, and not where the key has become a device', () => {
    const pending = { state: 'rejected' as const };
    expect(identify(proof, { owner: undefined, pending })).toMatchObject({
      kind: 'rejected',
      reason: { code: 'CALLHOME_HOST_KEY_REJECTED' },
    });
    expect(identify(proof, { owner: device(hostKey), pending })).toMatchObject({ kind: 'known' });
  });
});

describe('the connection of a device, when the registry changes', () => {
  const held = (owner: string): RegistryChange => ({
    kind: 'held',
    id: 'router1',
    holder: { owner, connection: 1 },
    remoteAddress: '192.0.2.1 port 7',
  });
  const goesOn = undefined;
  const keyIsGone = [
    'CALLHOME_DISCONNECTED',
    'the host key that it proved is no longer one of the device',
  ] as const;

  it.each<readonly [string, RegistryChange, readonly [string, string] | undefined]>([
    ['is added', { kind: 'added', device: device(otherKey) }, goesOn],
    ['keeps its key', { kind: 'changed', device: device(hostKey) }, goesOn],
    ['gets another key beside it', { kind: 'changed', device: device(otherKey, hostKey) }, goesOn],
    ['gets another key instead', { kind: 'changed', device: device(otherKey) }, keyIsGone],
    ['loses all its keys', { kind: 'changed', device: device() }, keyIsGone],
    ['is removed', { kind: 'removed', id: 'router1' }, ['CALLHOME_DISCONNECTED', 'the device was removed']],
    ['is held by this collector', held('a'), goesOn],
    [
      'is held by another',
      held('b'),
      ['CALLHOME_REPLACED', 'the device called again, from 192.0.2.1 port 7'],
    ],
  ])('that %s', (_what, change, expected) => {
    const reason = revocation(change, proof, 'a');
    expect(reason && [reason.code, reason.message]).toEqual(expected);
    expect(concerned(change)).toBe('router1');
  });
});

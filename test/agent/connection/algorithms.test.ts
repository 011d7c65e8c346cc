import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import type { TransportParams } from '@callhome/shared/ssh/transport-params.js';
import type { Algorithms } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { closed, createRig, logIn, subsystem } from './rig.js';

const rig = createRig();

const pair = (privateKey: KeyObject) => ({ privateKey, publicKey: publicKeyOf(privateKey, 'the key') });
const hostKeys = [
  pair(generateKeyPairSync('ed25519').privateKey),
  pair(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) =>
    pair(generateKeyPairSync('ec', { namedCurve }).privateKey),
  ),
];

/** Everything that ssh2's client can do. */
const everything: Algorithms = Object.fromEntries(
  (['kex', 'serverHostKey', 'cipher', 'hmac'] as const).map((list) => [
    list,
    { append: [/./], prepend: [], remove: [] },
  ]),
);

const lists: readonly (readonly [keyof TransportParams, readonly string[]])[] = [
  [
    'hostKey',
    [
      ...['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
      ...['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
    ],
  ],
  [
    'keyExchange',
    [
      ...['curve25519-sha256', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'],
      ...['diffie-hellman-group14-sha256', 'diffie-hellman-group15-sha512', 'diffie-hellman-group16-sha512'],
      ...['diffie-hellman-group17-sha512', 'diffie-hellman-group18-sha512'],
      ...['diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
    ],
  ],
  [
    'encryption',
    [
      ...['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM', 'chacha20-poly1305'],
      ...['aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
    ],
  ],
  ['mac', ['hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha1', 'hmac-sha1-96', 'hmac-md5', 'hmac-md5-96']],
];

describe("the agent's SSH server", () => {
  it.each(lists.flatMap(([list, names]) => names.map((name) => [list, name] as const)))(
    'can do the %s algorithm %s',
    async (list, name) => {
      const transportParams = {
        [list]: [name],
        // A MAC is used where the cipher brings none.
        ...(list === 'mac' ? { encryption: ['aes128-ctr'] } : {}),
      };
      const { device, nms } = await rig.dial();
      const serving = rig.serve(device, { hostKeys, transportParams });
      const client = await logIn(nms, undefined, { algorithms: everything, hostVerifier: () => true });
      await serving;
      const channel = await subsystem(client);
      channel.write('ping');
      expect(String((await once(rig.channels[0] ?? channel, 'data'))[0])).toBe('ping');
      client.end();
    },
  );

  it('offers nothing but what its lists say', async () => {
    const transportParams = { encryption: ['aes256-ctr'], mac: ['hmac-sha2-512'] };
    for (const algorithms of [{ cipher: ['aes128-gcm@openssh.com'] }, { hmac: ['hmac-sha2-256'] }]) {
      const { device, nms } = await rig.dial();
      const outcome = rig.serve(device, { transportParams }).catch((error: unknown) => error);
      await logIn(nms, undefined, { algorithms: algorithms as Algorithms });
      expect(await outcome).toMatchObject({ code: 'CALLHOME_NO_COMMON_ALGORITHM' });
    }
  });

  it('signs no host key with SHA-1 unless it is told to', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device, { hostKeys }).catch((error: unknown) => error);
    await logIn(nms, undefined, { algorithms: { serverHostKey: ['ssh-rsa'] }, hostVerifier: () => true });
    expect(await outcome).toMatchObject({ code: 'CALLHOME_NO_COMMON_ALGORITHM' });
  });

  it('serves nothing where it cannot offer what its lists say', async () => {
    const { device, nms } = await rig.dial();
    const gone = closed(device);
    const transportParams = { encryption: ['none'], hostKey: ['rsa-sha2-512'] };
    await expect(rig.serve(device, { transportParams })).rejects.toMatchObject({
      code: 'CALLHOME_CONFIG_INVALID',
      facts: { problems: [expect.stringContaining('no host key'), expect.stringContaining('none')] },
    });
    await gone;
    nms.destroy();
  });
});

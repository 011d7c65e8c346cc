import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { hashPassword } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { userKeyAlgorithms } from '@callhome/shared/ssh/algorithms.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine, publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countExchanges, createRig, type ServeOptions } from '../agent/connection/rig.js';
import { receive, send } from '../agent/connection/transfer.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';
import { startAsyncsshNms } from './peers/asyncssh.js';
import { startDbclientNms } from './peers/dbclient-nms.js';
import { buildGoSsh, buildTimeout, type GoSsh } from './peers/go-ssh.js';
import type { NmsProgram } from './peers/nms-program.js';
import { startOpensshClientNms } from './peers/openssh-client-nms.js';
import { requirePeers } from './peers/require-peers.js';
import { createKeyFile, type KeyFile } from './peers/ssh-key.js';

const owned = createOwner();
const rig = createRig();
const user = 'callhome';
const hostKeyPair = generateKeyPair();
const hostKey = publicKeyLine(hostKeyPair.publicKey, 'device');
const passwordHash = hashPassword('secret');

const kinds = {
  'RSA of 2048 bits': ['-t', 'rsa', '-b', '2048'],
  'RSA of 3072 bits': ['-t', 'rsa', '-b', '3072'],
  'P-256': ['-t', 'ecdsa', '-b', '256'],
  'P-384': ['-t', 'ecdsa', '-b', '384'],
  'P-521': ['-t', 'ecdsa', '-b', '521'],
  Ed25519: ['-t', 'ed25519'],
};

let folder = '';
let go: GoSsh;
const keys = new Map<string, KeyFile>();
beforeAll(async () => {
  folder = await createFolder('ssh-clients');
  for (const [kind, args] of Object.entries(kinds))
    keys.set(kind, await createKeyFile(folder, kind.replaceAll(' ', '-'), args));
});
afterAll(() => removeFolder(folder));

function keyOf(kind: string) {
  const key = keys.get(kind);
  if (!key) throw new Error(`no key ${kind}`);
  return { keyFile: key.file, publicKeys: publicKeysFromText(key.publicKey, kind) };
}

/** Our server calls home to an NMS. */
async function callHome(starting: Promise<NmsProgram>, options: ServeOptions) {
  const nms = owned(await starting);
  const device = connect({ port: nms.port, host: '127.0.0.1', noDelay: true });
  owned({ stop: async () => void device.destroy() });
  const serving = rig.serve(device, { hostKeys: [hostKeyPair], ...options });
  serving.catch(() => undefined);
  return { nms, serving };
}

/** The NMS is let in, and opens its session. */
async function expectSession(nms: NmsProgram, serving: ReturnType<typeof rig.serve>): Promise<void> {
  const { user: name } = await serving.catch((error) => {
    throw new Error(`${error}\n${nms.output()}`);
  });
  expect(name).toBe(user);
  await expect.poll(() => rig.channels).toHaveLength(1);
  rig.channels[0]?.write('hello');
  expect(String((await once(nms.session, 'data'))[0])).toBe('hello');
}

const megabyte = 1024 * 1024;
const rekey = { bytes: 2 * megabyte, seconds: 3600, timeoutSeconds: 20 };

/** 5 MB both ways. Resolves with how often keys were exchanged again. */
async function transfer(nms: NmsProgram, serving: ReturnType<typeof rig.serve>): Promise<number> {
  await serving;
  await expect.poll(() => rig.channels[0]).toBeDefined();
  const [served] = rig.channels;
  if (!served) throw new Error('no channel');
  const exchanges = countExchanges(served);
  const size = 5 * megabyte;
  const arrived = Promise.all([receive(nms.session, size), receive(served, size)]);
  const sent = await Promise.all([send(served, size), send(nms.session, size)]);
  expect(await arrived).toEqual(sent);
  return exchanges();
}

requirePeers('go', 'goSsh')('Go and our server:', () => {
  beforeAll(async () => {
    go = await buildGoSsh(folder);
  }, buildTimeout);

  test.each(Object.keys(kinds))('a user with a key %s is let in', async (kind) => {
    const { keyFile, publicKeys } = keyOf(kind);
    const { nms, serving } = await callHome(go.startNms({ user, hostKey, keyFile }), {
      users: [{ name: user, publicKeys }],
    });
    await expectSession(nms, serving);
  });

  test('a user with a password is let in', async () => {
    const starting = go.startNms({ user, hostKey, interactive: true, password: 'secret' });
    const { nms, serving } = await callHome(starting, { users: [{ name: user, passwordHash }] });
    await expectSession(nms, serving);
  });

  test('keys are exchanged again and again, by either end, in the middle of a transfer both ways', async () => {
    const starting = go.startNms({ user, hostKey, password: 'secret', rekeyBytes: megabyte / 2 });
    const { nms, serving } = await callHome(starting, { users: [{ name: user, passwordHash }], rekey });
    expect(await transfer(nms, serving)).toBeGreaterThan(2);
  });
});

requirePeers('asyncssh')('asyncssh and our server:', () => {
  test.each(Object.keys(kinds))('a user with a key %s is let in', async (kind) => {
    const { keyFile, publicKeys } = keyOf(kind);
    const { nms, serving } = await callHome(startAsyncsshNms({ user, hostKey, keyFile }), {
      users: [{ name: user, publicKeys }],
    });
    await expectSession(nms, serving);
  });

  test('a user with a password is let in', async () => {
    const { nms, serving } = await callHome(startAsyncsshNms({ user, hostKey, password: 'secret' }), {
      users: [{ name: user, passwordHash }],
    });
    await expectSession(nms, serving);
  });

  // With both, unlike with GCM, the numbers of packets matter, which strict key exchange begins anew.
  test.each(['chacha20-poly1305@openssh.com', 'aes128-ctr'])(
    'keys are exchanged again and again, by either end, in the middle of a transfer both ways, with %s',
    async (cipher) => {
      const starting = startAsyncsshNms({
        user,
        hostKey,
        password: 'secret',
        rekeyBytes: megabyte / 2,
        cipher,
      });
      const { nms, serving } = await callHome(starting, { users: [{ name: user, passwordHash }], rekey });
      expect(await transfer(nms, serving)).toBeGreaterThan(2);
    },
  );

  test('a user whose RSA key signs with SHA-1 is refused, and the log says why', async () => {
    const { keyFile, publicKeys } = keyOf('RSA of 2048 bits');
    const starting = startAsyncsshNms({ user, hostKey, keyFile, signatureAlgorithm: 'ssh-rsa' });
    const { nms, serving } = await callHome(starting, { users: [{ name: user, publicKeys }] });
    nms.session.resume();
    await expect(serving).rejects.toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(rig.captured.text()).toContain('the client signs with SHA-1');
  });

  test('a quiet connection on which both probe each other lasts', async () => {
    const starting = startAsyncsshNms({ user, hostKey, password: 'secret', keepalive: 0.1 });
    const { nms, serving } = await callHome(starting, {
      users: [{ name: user, passwordHash }],
      keepalive: { maxWaitSeconds: 0.1, maxAttempts: 3 },
    });
    await expectSession(nms, serving);
    await expect
      .poll(() => nms.output().match(/Received OpenSSH keepalive request/g)?.length ?? 0)
      .toBeGreaterThan(3);
    rig.channels[0]?.write('still here');
    expect(String((await once(nms.session, 'data'))[0])).toBe('still here');
  });
});

requirePeers('dbclient')("Dropbear's client and our server:", () => {
  test.each(Object.keys(kinds))('a user with a key %s is let in', async (kind) => {
    const { keyFile: file, publicKeys } = keyOf(kind);
    const keyFile = path.join(folder, `${kind} of Dropbear`);
    await promisify(execFile)('/usr/bin/dropbearconvert', ['openssh', 'dropbear', file, keyFile]);
    const { nms, serving } = await callHome(startDbclientNms({ user, keyFile }), {
      users: [{ name: user, publicKeys }],
    });
    await expectSession(nms, serving);
  });

  test('a user with a password is let in', async () => {
    const { nms, serving } = await callHome(startDbclientNms({ user, password: 'secret' }), {
      users: [{ name: user, passwordHash }],
    });
    await expectSession(nms, serving);
  });

  test('keys are exchanged again and again in the middle of a transfer both ways', async () => {
    const starting = startDbclientNms({ user, password: 'secret' });
    const { nms, serving } = await callHome(starting, { users: [{ name: user, passwordHash }], rekey });
    expect(await transfer(nms, serving)).toBeGreaterThan(2);
  });
});

requirePeers('ssh')("OpenSSH's client and our server:", () => {
  test.each(Object.keys(kinds))('a user with a key %s is let in', async (kind) => {
    const { keyFile, publicKeys } = keyOf(kind);
    const { nms, serving } = await callHome(startOpensshClientNms({ user, hostKey, keyFile }), {
      users: [{ name: user, publicKeys }],
    });
    await expectSession(nms, serving);
    expect(nms.output()).toContain(`server-sig-algs=<${userKeyAlgorithms.join(',')}>`);
  });

  test('keys are exchanged again and again, by either end, in the middle of a transfer both ways', async () => {
    const settings = { RekeyLimit: '512K' };
    const starting = startOpensshClientNms({ user, hostKey, password: 'secret', settings });
    const { nms, serving } = await callHome(starting, { users: [{ name: user, passwordHash }], rekey });
    expect(await transfer(nms, serving)).toBeGreaterThan(2);
  });
});

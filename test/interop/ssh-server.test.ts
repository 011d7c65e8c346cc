import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import { hashPassword } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine, publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { expect, test } from 'vitest';
import { createRig, type ServeOptions } from '../agent/connection/rig.js';
import { receive, send } from '../agent/connection/transfer.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';
import { type OpensshClientNmsOptions, startOpensshClientNms } from './peers/openssh-client-nms.js';
import { requirePeers } from './peers/require-peers.js';
import { createKeyFile } from './peers/ssh-key.js';

const owned = createOwner();
const rig = createRig();

const pair = (privateKey: KeyObject) => ({ privateKey, publicKey: publicKeyOf(privateKey, 'the key') });
const hostKeys = [
  pair(generateKeyPairSync('ed25519').privateKey),
  pair(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) =>
    pair(generateKeyPairSync('ec', { namedCurve }).privateKey),
  ),
];
const hostKey = hostKeys.map(({ publicKey }) => publicKeyLine(publicKey, 'device')).join('\n');
const passwordHash = hashPassword('secret');

async function createFolderOfTest(): Promise<string> {
  const folder = await createFolder('openssh');
  owned({ stop: () => removeFolder(folder) });
  return folder;
}

async function createUserKey() {
  const { file, publicKey } = await createKeyFile(await createFolderOfTest(), 'nms');
  return { keyFile: file, publicKeys: publicKeysFromText(publicKey, 'nms.pub') };
}

/** Our server calls home to `ssh`, which asks for something. */
async function callHome(options: Partial<OpensshClientNmsOptions>, serveOptions: ServeOptions) {
  const nms = owned(await startOpensshClientNms({ user: 'callhome', hostKey, ...options }));
  const device = connect({ port: nms.port, host: '127.0.0.1' });
  owned({ stop: async () => void device.destroy() });
  const serving = rig.serve(device, { hostKeys, ...serveOptions });
  serving.catch(() => undefined);
  return { nms, serving };
}

requirePeers('ssh')("OpenSSH's client logs in to our server", () => {
  test('by password', async () => {
    const users = [{ name: 'callhome', passwordHash }];
    const { nms, serving } = await callHome({ password: 'secret' }, { users });
    expect((await serving).user).toBe('callhome');
    await expect.poll(() => nms.output()).toContain('using "password"');
  });

  test('not by another password', async () => {
    const users = [{ name: 'callhome', passwordHash }];
    const { nms, serving } = await callHome({ password: 'hunter2' }, { users });
    nms.session.resume();
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain('Permission denied (password)');
    await expect(serving).rejects.toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
  });

  test.each(['publickey,password', 'password,publickey'])('by both, in the order %s', async (order) => {
    const { keyFile, publicKeys } = await createUserKey();
    const users = [{ name: 'callhome', publicKeys, passwordHash }];
    const settings = { PreferredAuthentications: order };
    const { nms, serving } = await callHome({ keyFile, password: 'secret', settings }, { users });
    expect((await serving).user).toBe('callhome');
    const [first, second] = order.split(',');
    await expect.poll(() => nms.output()).toMatch(`using "${second}"`);
    expect(nms.output()).toContain(`Authenticated using "${first}" with partial success`);
  });

  test.each([
    ['with the key alone', { PreferredAuthentications: 'publickey' }, 'password'],
    ['with the password alone', { PreferredAuthentications: 'password' }, 'publickey'],
  ])('not %s where both are asked for', async (_how, settings, missing) => {
    const { keyFile, publicKeys } = await createUserKey();
    const users = [{ name: 'callhome', publicKeys, passwordHash }];
    const { nms, serving } = await callHome({ keyFile, password: 'secret', settings }, { users });
    nms.session.resume();
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain(`Permission denied (${missing})`);
    await expect(serving).rejects.toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
  });

  test.each([
    ...['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'],
    ...['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ])('that has proved its %s host key', async (algorithm) => {
    const users = [{ name: 'callhome', passwordHash }];
    const settings = { HostKeyAlgorithms: algorithm };
    const { nms, serving } = await callHome({ password: 'secret', settings }, { users });
    expect((await serving).user).toBe('callhome');
    expect(nms.output()).toContain(`host key algorithm: ${algorithm}`);
  });
});

requirePeers('ssh')("OpenSSH's client and our server", () => {
  test('exchange keys again in the middle of a transfer both ways', async () => {
    const users = [{ name: 'callhome', passwordHash }];
    const size = 50 * 1024 * 1024;
    const rekey = { bytes: 4 * 1024 * 1024, seconds: 3600, timeoutSeconds: 20 };
    const { nms, serving } = await callHome({ password: 'secret' }, { users, rekey });
    const connection = await serving;
    await expect.poll(() => rig.channels[0]).toBeDefined();
    const [served] = rig.channels;
    if (!served) throw new Error('no channel');
    const arrived = Promise.all([receive(nms.session, size), receive(served, size)]);
    const sent = await Promise.all([send(served, size), send(nms.session, size)]);
    expect(await arrived).toEqual(sent);
    expect(nms.output().match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThan(8);
    connection.end(new CallhomeError('CALLHOME_STOPPED', {}));
    expect(await nms.ended).toBe(255);
  });
});

requirePeers('ssh')("OpenSSH's client that knows old algorithms alone", () => {
  test.each([
    ['key exchange', { KexAlgorithms: 'diffie-hellman-group14-sha1' }, 'diffie-hellman-group14-sha1'],
    ['host key', { HostKeyAlgorithms: 'ssh-rsa' }, 'ssh-rsa'],
    ['cipher to the device and cipher from the device', { Ciphers: 'aes128-cbc' }, 'aes128-cbc'],
    [
      'MAC to the device and MAC from the device',
      { Ciphers: 'aes128-ctr', MACs: 'hmac-sha1,umac-64@openssh.com' },
      'hmac-sha1, umac-64@openssh.com',
    ],
  ])('is not served, and what both offer is told: %s', async (what, settings, offer) => {
    const users = [{ name: 'callhome', passwordHash }];
    const { nms, serving } = await callHome({ password: 'secret', settings }, { users });
    nms.session.resume();
    expect(await nms.ended).toBe(255);
    await expect(serving).rejects.toMatchObject({
      code: 'CALLHOME_NO_COMMON_ALGORITHM',
      message: expect.stringMatching(
        new RegExp(
          `: ${what}: the peer offers ${offer}, this end .*, or name one of the peer's in transport-params$`,
        ),
      ),
    });
  });
});

requirePeers('ssh')("OpenSSH's client gets from our server no", () => {
  const users = [{ name: 'callhome', passwordHash }];
  const listen = async (where: number | string): Promise<{ server: Server; connections: () => number }> => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(where, resolve));
    owned({ stop: () => new Promise<void>((resolve) => server.close(() => resolve())) });
    return { server, connections: () => connections };
  };

  test.each([
    ['shell', ['device'], 'shell request failed'],
    ['command', ['device', 'id'], 'exec request failed'],
    ['other subsystem', ['-s', 'device', 'sftp'], 'subsystem request failed'],
    ['terminal', ['-tt', 'device'], 'PTY allocation request failed'],
    [
      'port on the device',
      ['-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:9', '-s', 'device', 'netconf'],
      'remote port forwarding failed',
    ],
  ])('%s', async (_what, request, words) => {
    const { nms, serving } = await callHome({ password: 'secret', request }, { users });
    await serving;
    nms.session.resume();
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain(words);
    if (!request.includes('netconf')) expect(rig.channels).toHaveLength(0);
  });

  test('connection through the device', async () => {
    const { server, connections } = await listen(0);
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const request = ['-W', `127.0.0.1:${port}`, 'device'];
    const { nms, serving } = await callHome({ password: 'secret', request }, { users });
    await serving;
    nms.session.resume();
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain('administratively prohibited');
    expect(connections()).toBe(0);
  });

  test('environment, X11 or use of its agent beside a session', async () => {
    const agent = path.join(await createFolderOfTest(), 'agent');
    await listen(agent);
    const settings = {
      ForwardAgent: 'yes',
      ForwardX11: 'yes',
      ForwardX11Trusted: 'yes',
      IdentityAgent: agent,
      PreferredAuthentications: 'password',
      SetEnv: 'CALLHOME_TEST=1',
    };
    const { nms, serving } = await callHome({ password: 'secret', settings }, { users });
    await serving;
    await expect.poll(() => rig.channels).toHaveLength(1);
    rig.channels[0]?.write('hello');
    expect(String((await once(nms.session, 'data'))[0])).toBe('hello');
    expect(nms.output()).toContain('setting env CALLHOME_TEST');
    expect(nms.output()).toContain('Requesting authentication agent forwarding');
    expect(nms.output()).toContain('X11 forwarding request failed');
  });
});

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { proveServer } from '@callhome/shared/ssh/client.js';
import { generateKeyPair, type KeyPair, publicKeyOf, signer } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine, publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { receive, send } from '../agent/connection/transfer.js';
import { startCollector } from '../programs/collector.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';
import type { Program } from '../programs/program.js';
import { type AsyncsshDeviceOptions, startAsyncsshDevice } from './peers/asyncssh.js';
import { buildGoSsh, buildTimeout, type GoSsh } from './peers/go-ssh.js';
import { requirePeers } from './peers/require-peers.js';
import { createKeyFile, type KeyFile } from './peers/ssh-key.js';

const owned = createOwner();
const megabyte = 1024 * 1024;

let folder = '';
let go: GoSsh;
beforeAll(async () => {
  folder = await createFolder('ssh-devices');
});
afterAll(() => removeFolder(folder));

/** What starts a device that calls once. */
const devices: Readonly<Record<string, (port: number, options: AsyncsshDeviceOptions) => Promise<Program>>> =
  {
    Go: (port, options) => go.startDevice(port, options),
    asyncssh: startAsyncsshDevice,
  };

/** A device calls our client, which knows its host key: the session echoes. */
async function openSession(
  kind: string,
  hostKey: KeyFile,
  identity: KeyPair,
  options: Partial<AsyncsshDeviceOptions> = {},
) {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  owned({ stop: () => new Promise<void>((resolve) => server.close(() => resolve())) });
  await once(server, 'listening');
  const address = server.address();
  const calling = once(server, 'connection') as Promise<[Socket]>;
  const start = devices[kind];
  if (!start || typeof address !== 'object' || address === null) throw new Error('nothing to start');
  const authorizedKey = publicKeyLine(identity.publicKey, 'nms');
  const program = owned(
    await start(address.port, { hostKeyFile: hostKey.file, authorizedKey, command: ['cat'], ...options }),
  );
  const [socket] = await program.expect('a call', calling);
  owned({ stop: async () => void socket.destroy() });
  const [known] = publicKeysFromText(hostKey.publicKey, 'the host key');
  const life = watchLifecycle(socket, 20);
  const proved = await proveServer(socket, life);
  expect(proved.hostKey).toEqual(known?.blob);
  const keepalive = { maxWaitSeconds: 30, maxAttempts: 3 };
  const connection = await proved.logIn({ user: 'callhome', key: signer(identity), keepalive });
  return { program, life, connection, session: await connection.openSession() };
}

const pair = (privateKey: KeyObject): KeyPair => ({
  privateKey,
  publicKey: publicKeyOf(privateKey, 'the key'),
});
const elliptic = (namedCurve: string) => pair(generateKeyPairSync('ec', { namedCurve }).privateKey);

/** What the device is asked to prove its host with, and the collector to log in with. */
const kinds: readonly (readonly [string, readonly string[], () => KeyPair])[] = [
  ['RSA', ['-t', 'rsa'], () => pair(generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey)],
  ['P-256', ['-t', 'ecdsa', '-b', '256'], () => elliptic('P-256')],
  ['P-384', ['-t', 'ecdsa', '-b', '384'], () => elliptic('P-384')],
  ['P-521', ['-t', 'ecdsa', '-b', '521'], () => elliptic('P-521')],
  ['Ed25519', ['-t', 'ed25519'], generateKeyPair],
];

requirePeers(
  'go',
  'goSsh',
  'asyncssh',
)('a device that calls home', () => {
  beforeAll(async () => {
    go = await buildGoSsh(folder);
  }, buildTimeout);

  const everyKind = Object.keys(devices).flatMap((device) =>
    kinds.map(([name, args, make]) => [device, name, args, make] as const),
  );
  test.each(everyKind)(
    'is known and lets our client in: %s, with keys %s at both ends',
    async (device, name, args, makeIdentity) => {
      const hostKey = await createKeyFile(folder, `${device}-${name}`, args);
      const { session, connection, life } = await openSession(device, hostKey, makeIdentity());
      session.write('hello');
      expect(String((await once(session, 'data'))[0])).toBe('hello');
      connection.end(new CallhomeError('CALLHOME_STOPPED', {}));
      expect(await life.ended).toMatchObject({ code: 'CALLHOME_STOPPED' });
    },
  );

  // Without GCM the numbers of packets matter, which strict key exchange begins anew.
  test.each([
    ['Go', 'aes128-gcm@openssh.com'],
    ['asyncssh', 'chacha20-poly1305@openssh.com'],
    ['asyncssh', 'aes128-ctr'],
  ])(
    'exchanges keys again and again in the middle of a transfer both ways: %s, %s',
    async (device, cipher) => {
      const hostKey = await createKeyFile(folder, `${device}-${cipher.slice(0, 8)}`);
      const more = { rekeyBytes: megabyte / 2, ...(device === 'asyncssh' && { cipher }) };
      const { program, session, life } = await openSession(device, hostKey, generateKeyPair(), more);
      const size = 5 * megabyte;
      const transfer = Promise.all([send(session, size), receive(session, size)]);
      const isWhole = transfer.then(([sent, received]) => sent === received);
      expect(await Promise.race([isWhole, life.ended])).toBe(true);
      // Go does not tell.
      if (device === 'asyncssh')
        expect(program.output().match(/Completed key exchange/g)?.length).toBeGreaterThan(3);
    },
  );

  test.each(Object.keys(devices))(
    'connects to the collector and is asked for what it has: %s',
    async (kind) => {
      const collector = owned(await startCollector());
      const hostKey = await createKeyFile(folder, `${kind}-collector`);
      await collector.addDevice('router1', hostKey.publicKey);
      const netconf = fileURLToPath(new URL('../programs/large-reply.mjs', import.meta.url));
      const start = devices[kind];
      if (!start) throw new Error(`no device ${kind}`);
      owned(
        await start(collector.port, {
          hostKeyFile: hostKey.file,
          authorizedKey: collector.publicKey,
          command: [process.execPath, netconf, '0'],
        }),
      );
      await collector.connected('router1');
      const { status, stdout, stderr } = await collector.command(['rpc', 'router1'], '<get/>');
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(stdout).toContain('<data');
    },
  );
});

import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { generateKeyPair, publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { createRig, logIn, subsystem, userKey } from './rig.js';

const rig = createRig();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const rsaKey = { privateKey: rsa, publicKey: publicKeyOf(rsa, 'the key') };

describe("the agent's SSH server", () => {
  it('lets a configured user in by key and opens netconf channels', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    expect((await serving).user).toBe('callhome');
    const channel = await subsystem(client);
    rig.channels[0]?.write('hello');
    expect(String((await once(channel, 'data'))[0])).toBe('hello');
    client.end();
    expect(await (await serving).ended).toMatchObject({ code: 'CALLHOME_PEER_CLOSED' });
  });

  it('lets an RSA user in, who signs with SHA-2', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { users: [{ name: 'callhome', publicKeys: [rsaKey.publicKey] }] });
    const client = await logIn(nms, rsaKey);
    expect((await serving).user).toBe('callhome');
    client.end();
  });

  it('refuses an RSA user who signs with SHA-1', async () => {
    const { device, nms } = await rig.dial();
    const users = [{ name: 'callhome', publicKeys: [rsaKey.publicKey] }];
    const outcome = rig.serve(device, { users }).catch((error: unknown) => error);
    const privateKey = rsa.export({ format: 'pem', type: 'pkcs1' });
    const client = new Client();
    client.on('error', () => undefined);
    // A client without RFC 8308 is one that knows no other RSA signature.
    client.on('handshake', () => {
      const handlers = Reflect.get(Reflect.get(client, '_protocol'), '_handlers');
      Reflect.set(handlers, 'EXT_INFO', () => undefined);
    });
    client.connect({ sock: nms, username: 'callhome', privateKey, hostVerifier: () => true });
    expect(await outcome).toMatchObject({
      code: 'CALLHOME_AUTHENTICATION_FAILED',
      message: expect.stringContaining('SHA-1'),
    });
  });

  it('opens nothing else: no shell, no command, no other subsystem, no forwarding', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    const refused = async (open: (done: (error: Error | undefined) => void) => void) =>
      expect(await new Promise(open)).toBeInstanceOf(Error);
    await refused((done) => client.shell(done));
    await refused((done) => client.exec('id', done));
    await refused((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done));
    await refused((done) => client.forwardIn('127.0.0.1', 0, done));
    client.end();
    expect(rig.channels).toHaveLength(0);
  });

  it('refuses other subsystems', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    await expect(subsystem(client, 'sftp')).rejects.toThrow();
    client.end();
  });

  it('refuses more sessions than are allowed, and frees a place when all of a session is over', async () => {
    const { device, nms } = await rig.dial();
    const overs: (() => void)[] = [];
    const onSession = () => new Promise<void>((resolve) => overs.push(resolve));
    const serving = rig.serve(device, { onSession });
    const client = await logIn(nms);
    await serving;
    const first = await subsystem(client);
    await subsystem(client);
    await expect(subsystem(client)).rejects.toThrow();
    first.resume().close();
    await once(first, 'close');
    // Its backend is still busy.
    await expect(subsystem(client)).rejects.toThrow();
    overs[0]?.();
    await subsystem(client);
    expect(rig.channels).toHaveLength(3);
    expect(rig.captured.text().match(/sessions are refused/g)).toHaveLength(1);
    client.end();
  });

  it.each([
    ['a key that is not the user’s', generateKeyPair(), 'callhome'],
    ['a user that does not exist', userKey, 'root'],
  ])('refuses %s, and says so', async (_what, key, username) => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device).catch((error: unknown) => error);
    await logIn(nms, key, { username });
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(rig.captured.text()).toContain(username);
    expect(rig.captured.text()).toContain('SHA256:');
  });

  it('refuses a password, whatever it is', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    client.connect({ sock: nms, username: 'callhome', password: 'hunter2', hostVerifier: () => true });
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(rig.captured.text()).not.toContain('hunter2');
  });

  it('says that its host key was refused', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    const hostVerifier = (_key: Buffer, verify: (valid: boolean) => void) => verify(false);
    client.connect({ sock: nms, username: 'x', hostVerifier });
    expect(await outcome).toMatchObject({ code: 'CALLHOME_HOST_KEY_REFUSED' });
  });

  it('offers neither compression nor a key exchange whose prime the other end names', async () => {
    for (const algorithms of [
      { compress: ['zlib' as const] },
      { kex: ['diffie-hellman-group-exchange-sha256' as const] },
    ]) {
      const { device, nms } = await rig.dial();
      const outcome = rig.serve(device).catch((error: unknown) => error);
      await logIn(nms, userKey, { algorithms });
      expect(await outcome).toMatchObject({ code: 'CALLHOME_NO_COMMON_ALGORITHM' });
    }
  });

  it('stays with a quiet peer that answers the keep-alive', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { keepalive: { maxWaitSeconds: 0.5, maxAttempts: 1 } });
    const client = await logIn(nms);
    const connection = await serving;
    let answers = 0;
    device.on('data', () => {
      answers += 1;
    });
    await expect.poll(() => answers, { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
    client.end();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_PEER_CLOSED' });
  });
});

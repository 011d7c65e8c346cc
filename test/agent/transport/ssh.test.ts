import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { SessionChannel } from '@callhome/agent/backend/backend.js';
import { type AuthenticatedConnection, serveSsh } from '@callhome/agent/transport/ssh.js';
import type { EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { generateKeyPair, type KeyPair, userSigner } from '@callhome/shared/ssh/key-pair.js';
import { Client, type ClientChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { captureLog } from '../../programs/captured-log.js';

const hostKey = generateKeyPair();
const userKey = generateKeyPair();
const endpoint: EndpointConfig = {
  name: 'nms-1',
  address: '127.0.0.1',
  port: 0,
  hostKeys: [hostKey],
  users: [{ name: 'callhome', publicKeys: [userKey.publicKey] }],
  keepalive: undefined,
};

let server: Server;
let sockets: Socket[] = [];
let channels: SessionChannel[] = [];
let captured = captureLog();

beforeEach(async () => {
  server = createServer((socket) => sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  captured = captureLog();
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  channels = [];
  server.close();
});

/** Dials: the agent's end of the connection, and the management system's. */
async function dial(): Promise<{ device: Socket; nms: Socket }> {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  const device = connect(address.port, '127.0.0.1');
  sockets.push(device);
  const [nms] = (await once(server, 'connection')) as [Socket];
  return { device, nms };
}

function serve(
  device: Socket,
  overrides: Partial<EndpointConfig> = {},
  handshakeTimeout = 20,
): Promise<AuthenticatedConnection> {
  return serveSsh(
    device,
    { ...endpoint, ...overrides },
    {
      handshakeTimeout,
      maxSessions: 2,
      onSession: (channel) => channels.push(channel),
      log: captured.log,
    },
  );
}

async function logIn(nms: Socket, key: KeyPair = userKey, username = 'callhome'): Promise<Client> {
  const client = new Client();
  client.on('error', () => undefined);
  client.connect({
    sock: nms,
    username,
    authHandler: [{ type: 'publickey', username, key: userSigner(key) }] as never,
    hostVerifier: (blob: Buffer, verify: (valid: boolean) => void) =>
      verify(blob.equals(hostKey.publicKey.blob)),
  });
  await new Promise<void>((resolve) => client.once('ready', () => resolve()).once('close', () => resolve()));
  return client;
}

function subsystem(client: Client, name = 'netconf'): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.subsys(name, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

describe("the agent's SSH server", () => {
  it('lets a configured user in by key and opens netconf channels', async () => {
    const { device, nms } = await dial();
    const serving = serve(device);
    const client = await logIn(nms);
    expect((await serving).user).toBe('callhome');
    const channel = await subsystem(client);
    channels[0]?.write('hello');
    expect(String((await once(channel, 'data'))[0])).toBe('hello');
    client.end();
    expect(await (await serving).ended).toMatchObject({ code: 'CALLHOME_PEER_CLOSED' });
  });

  it('opens nothing else: no shell, no command, no other subsystem, no forwarding', async () => {
    const { device, nms } = await dial();
    const serving = serve(device);
    const client = await logIn(nms);
    await serving;
    const refused = async (open: (done: (error: Error | undefined) => void) => void) =>
      expect(await new Promise(open)).toBeInstanceOf(Error);
    await refused((done) => client.shell(done));
    await refused((done) => client.exec('id', done));
    await refused((done) => client.subsys('sftp', done));
    await refused((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done));
    await refused((done) => client.forwardIn('127.0.0.1', 0, done));
    expect(channels).toHaveLength(0);
    client.end();
  });

  it('refuses more sessions than are allowed, and frees their places', async () => {
    const { device, nms } = await dial();
    const serving = serve(device);
    const client = await logIn(nms);
    await serving;
    const first = await subsystem(client);
    await subsystem(client);
    await expect(subsystem(client)).rejects.toThrow();
    channels[0]?.resume();
    first.resume().close();
    await once(first, 'close');
    await subsystem(client);
    expect(channels).toHaveLength(3);
    client.end();
  });

  it.each([
    ['a key that is not the user’s', generateKeyPair(), 'callhome'],
    ['a user that does not exist', userKey, 'root'],
  ])('refuses %s, and says so', async (_what, key, username) => {
    const { device, nms } = await dial();
    const outcome = serve(device).catch((error: unknown) => error);
    await logIn(nms, key, username);
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(captured.text()).toContain(username);
    expect(captured.text()).toContain('SHA256:');
  });

  it('refuses a password, whatever it is', async () => {
    const { device, nms } = await dial();
    const outcome = serve(device).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    client.connect({ sock: nms, username: 'callhome', password: 'hunter2', hostVerifier: () => true });
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(captured.text()).not.toContain('hunter2');
  });

  it('says that its host key was refused', async () => {
    const { device, nms } = await dial();
    const outcome = serve(device).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    client.connect({
      sock: nms,
      username: 'x',
      hostVerifier: (_key: Buffer, verify: (valid: boolean) => void) => verify(false),
    });
    expect(await outcome).toMatchObject({ code: 'CALLHOME_HOST_KEY_REFUSED' });
  });
});

describe("the agent's SSH server, with a peer that", () => {
  it('says nothing, gives up in time', async () => {
    const { device, nms } = await dial();
    nms.resume();
    await expect(serve(device, {}, 0.1)).rejects.toMatchObject({ code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
    await once(nms, 'close');
  });

  it('says half an identification, gives up in time', async () => {
    const { device, nms } = await dial();
    nms.resume().write('SSH-2.0-half');
    await expect(serve(device, {}, 0.1)).rejects.toMatchObject({ code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
  });

  it('says nothing after its identification, gives up in time', async () => {
    const { device, nms } = await dial();
    nms.resume().write('SSH-2.0-half\r\n');
    await expect(serve(device, {}, 0.1)).rejects.toMatchObject({ code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
  });

  it.each([
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n'],
    ['zeros', '\0\0\0\0'],
    ['an empty line', '\r\n'],
    ['an endless identification', `SSH-2.0-${'x'.repeat(1000)}\r\n`],
  ])('talks %s, is cut off', async (_what, text) => {
    const { device, nms } = await dial();
    nms.resume().write(text);
    await expect(serve(device)).rejects.toMatchObject({ code: 'CALLHOME_IDENTIFICATION_INVALID' });
    await once(nms, 'close');
  });

  it('sends garbage after its identification, is cut off', async () => {
    const { device, nms } = await dial();
    nms.resume().write(`SSH-2.0-x\r\n${'garbage'.repeat(10_000)}`);
    await expect(serve(device)).rejects.toMatchObject({ code: 'CALLHOME_HANDSHAKE_FAILED' });
    await once(nms, 'close');
  });

  it('floods before its identification, is cut off after a few bytes', async () => {
    const { device, nms } = await dial();
    const outcome = serve(device).catch((error: unknown) => error);
    const block = Buffer.alloc(64 * 1024, 'S');
    nms.resume();
    while (!nms.destroyed && nms.bytesWritten < 1024 ** 3) {
      if (!nms.write(block))
        await new Promise((resolve) => nms.once('drain', resolve).once('close', resolve));
    }
    expect(await outcome).toMatchObject({ code: 'CALLHOME_IDENTIFICATION_INVALID' });
    expect(device.bytesRead).toBeLessThan(1024 * 1024);
  });

  it("ignores the channel's window, is cut off with what it sent bounded", async () => {
    const { device, nms } = await dial();
    const serving = serve(device);
    const client = await logIn(nms);
    const channel = await subsystem(client);
    // What ssh2 keeps of the window that was granted to it.
    Object.assign((channel as unknown as { outgoing: object }).outgoing, { window: Number.MAX_SAFE_INTEGER });
    // Never exactly the window, at which ssh2 would drop what comes.
    const block = Buffer.alloc(1024 * 1024 - 1);
    const ended = (await serving).ended;
    let over = false;
    void ended.then(() => {
      over = true;
    });
    for (let sent = 0; sent < 256 && !over; sent += 1) {
      channel.write(block);
      await delay(1);
    }
    expect(await ended).toMatchObject({ code: 'CALLHOME_BUFFER_EXCEEDED' });
    expect(channels[0]?.readableLength).toBeLessThan(16 * 1024 * 1024);
  });

  it('grants a huge window and stops reading, is not written to without bound', async () => {
    const { device, nms } = await dial();
    const serving = serve(device);
    const client = await logIn(nms);
    await serving;
    await subsystem(client);
    const channel = channels[0];
    if (!channel) throw new Error('no channel');
    Object.assign((channel as unknown as { outgoing: object }).outgoing, { window: Number.MAX_SAFE_INTEGER });
    nms.pause();
    let written = 0;
    const block = Buffer.alloc(256 * 1024);
    const push = (): void => {
      while (written < 1024 && channel.write(block)) written += 1;
    };
    channel.on('drain', push);
    push();
    await delay(200);
    expect(device.writableLength).toBeLessThan(4 * 1024 * 1024);
    expect(written * block.length).toBeLessThan(64 * 1024 * 1024);
    client.end();
  });

  it('vanishes, is cut off by the keep-alive', async () => {
    const { device, nms } = await dial();
    const serving = serve(device, { keepalive: { maxWait: 0.1, maxAttempts: 2 } });
    await logIn(nms);
    const connection = await serving;
    nms.pause();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_PEER_VANISHED' });
    expect(device.destroyed).toBe(true);
  });

  it('vanishes with its request unread, leaves no session behind', async () => {
    const { device, nms } = await dial();
    const serving = serve(device);
    const client = await logIn(nms);
    await serving;
    const channel = await subsystem(client);
    const unread = new PassThrough({ highWaterMark: 1 });
    channels[0]?.pipe(unread);
    channel.write(Buffer.alloc(500_000));
    await expect.poll(() => channels[0]?.readableLength).toBeGreaterThan(0);
    const over = new Promise((resolve) => channels[0]?.once('close', resolve));
    nms.destroy();
    await over;
  });

  it('answers the keep-alive, stays', async () => {
    const { device, nms } = await dial();
    const serving = serve(device, { keepalive: { maxWait: 0.05, maxAttempts: 1 } });
    const client = await logIn(nms);
    const connection = await serving;
    let ended = false;
    void connection.ended.then(() => {
      ended = true;
    });
    await delay(400);
    expect(ended).toBe(false);
    client.end();
  });
});

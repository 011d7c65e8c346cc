import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Collector, startCollector } from '@callhome/nms/collector.js';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded.js';
import type { Registry } from '@callhome/nms/registry/registry.js';
import type { NmsConfig } from '@callhome/shared/config/nms-config.js';
import { openServerSession } from '@callhome/shared/netconf/server-session.js';
import { generateKeyPair, hostSigners, type KeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import ssh2, { type ServerChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { captureLog } from '../../programs/captured-log.js';
import { createFolder, removeFolder } from '../../programs/folder.js';

const identity = generateKeyPair();
const hostKey = generateKeyPair();
const limits = { maxConnections: 100, maxHandshakes: 50, handshakeTimeout: 10 };

let folder = '';
let registry: Registry;
let collector: Collector;
let sockets: Socket[] = [];
let captured = captureLog();
const logged = (wanted: string) => captured.next(wanted);

async function start(admission: NmsConfig['admission'] = limits): Promise<void> {
  const listener = {
    name: 'call-home',
    binds: [{ address: '127.0.0.1', port: 0 }],
    identity,
    keepalive: undefined,
  };
  const api = { address: '127.0.0.1', port: 0 };
  collector = await startCollector(
    { listeners: [listener], defaultUser: 'callhome', api, admission },
    registry,
    captured.log,
  );
}

beforeEach(async () => {
  captured = captureLog();
  folder = await createFolder('registry');
  registry = await openEmbeddedRegistry(folder, new Date());
  const { type, blob } = hostKey.publicKey;
  await registry.add({
    id: 'router1',
    hostKeys: [{ type, blob: blob.toString('base64'), fingerprint: fingerprint(blob) }],
    user: 'callhome',
    labels: {},
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await collector.stop();
  await registry.close();
  await removeFolder(folder);
});

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once('close', () => resolve()));
}

async function call(): Promise<Socket> {
  const socket = connect(collector.addresses()[0]?.port ?? 0, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

interface DeviceOptions {
  readonly key?: KeyPair;
  readonly onAuthentication?: (context: ssh2.AuthContext) => void;
  readonly onChannel?: (channel: ServerChannel) => void;
}

function serveNetconf(channel: ServerChannel): void {
  openServerSession(channel, {
    sessionId: 7,
    capabilities: ['urn:ietf:params:netconf:base:1.1'],
    handle: async () => '<ok/>',
    onFault: () => undefined,
  });
}

/** Makes a socket the device's end of SSH, with a plain ssh2 server. */
function serve(
  socket: Socket,
  { key = hostKey, onAuthentication, onChannel = serveNetconf }: DeviceOptions = {},
): void {
  const server = new ssh2.Server({ hostKeys: hostSigners(key) });
  server.on('connection', (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      onAuthentication?.(context);
      if (context.method === 'publickey') context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (accept) => {
      accept().on('subsystem', (acceptSubsystem) => onChannel(acceptSubsystem()));
    });
  });
  server.injectSocket(socket);
}

describe('a device that calls the collector', () => {
  it('is under management once it has proved its key, let the collector in and said hello', async () => {
    await start();
    const connected = logged('device connected');
    serve(await call());
    expect(await connected).toMatchObject({ device: 'router1', session: 7 });
    expect((await collector.connection('router1')?.session.request('<get/>'))?.xml).toContain('<ok/>');
    expect(collector.counters()).toMatchObject({ accepted: 1, established: 1 });
  });

  it('may say any lines before its identification, in any segments', async () => {
    await start();
    const connected = logged('device connected');
    const socket = await call();
    for (const piece of [
      'MSG-ID: DEVICE-',
      'CONN-INFO\r',
      '\nMSG-VER: V1\r\n',
      'DEVICE-ID: x\r\n',
      '\r\n\r\nS',
    ]) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    // The S is out already: the identification continues it.
    const write = socket.write.bind(socket);
    let first = true;
    socket.write = ((data: Buffer, ...rest: never[]) => {
      const piece = first ? data.subarray(1) : data;
      first = false;
      return write(piece, ...rest);
    }) as typeof socket.write;
    serve(socket);
    await connected;
  });

  it('gets no request to log in before its key is known', async () => {
    await start();
    const refused = logged('CALLHOME_HOST_KEY_UNKNOWN');
    const requests: string[] = [];
    const stranger = generateKeyPair();
    serve(await call(), { key: stranger, onAuthentication: (context) => requests.push(context.method) });
    expect((await refused)['reason']).toContain(fingerprint(stranger.publicKey.blob));
    expect(requests).toEqual([]);
    expect(collector.counters()).toMatchObject({ 'failed.CALLHOME_HOST_KEY_UNKNOWN': 1 });
  });

  it('gets none either when it shows a known key that it does not hold, and takes nothing over', async () => {
    await start();
    const connected = logged('device connected');
    serve(await call());
    await connected;
    const rightful = collector.connection('router1');
    const refused = logged('CALLHOME_HANDSHAKE_FAILED');
    const requests: string[] = [];
    const thief = { publicKey: hostKey.publicKey, privateKey: generateKeyPair().privateKey };
    serve(await call(), { key: thief, onAuthentication: (context) => requests.push(context.method) });
    await refused;
    expect(requests).toEqual([]);
    expect(collector.connection('router1')).toBe(rightful);
    expect(await registry.get('router1')).toMatchObject({ state: 'connected', connections: 1 });
  });

  it('replaces its old connection by a new one', async () => {
    await start();
    const connected = logged('device connected');
    const first = await call();
    serve(first);
    await connected;
    const replaced = logged('CALLHOME_REPLACED');
    serve(await call());
    await replaced;
    await once(first, 'close');
    expect(await registry.get('router1')).toMatchObject({ state: 'connected', connections: 2 });
  });

  it.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n'.repeat(1000)), 'CALLHOME_IDENTIFICATION_INVALID'],
    ['zeros', Buffer.alloc(100_000), 'CALLHOME_IDENTIFICATION_INVALID'],
    [
      'garbage after its identification',
      Buffer.from(`SSH-2.0-x\r\n${'x'.repeat(100_000)}`),
      'CALLHOME_HANDSHAKE_FAILED',
    ],
  ])('is cut off when it sends %s', async (_what, bytes, code) => {
    await start();
    const failed = logged(code);
    const socket = await call();
    const over = closed(socket);
    socket.write(bytes);
    await failed;
    await over;
  });

  it.each([
    ['nothing', ''],
    ['half an identification', 'SSH-2.0-'],
    ['its identification alone', 'SSH-2.0-x\r\n'],
  ])('is cut off in time when it sends %s', async (_what, text) => {
    await start({ ...limits, handshakeTimeout: 0.1 });
    const failed = logged('CALLHOME_HANDSHAKE_TIMEOUT');
    const socket = await call();
    const over = closed(socket);
    socket.write(text);
    await failed;
    await over;
  });

  it('is cut off in time when it opens a session and says no hello', async () => {
    await start({ ...limits, handshakeTimeout: 0.5 });
    const failed = logged('CALLHOME_HANDSHAKE_TIMEOUT');
    const socket = await call();
    serve(socket, { onChannel: (channel) => channel.resume() });
    await failed;
    await once(socket, 'close');
  });

  it('is cut off when its hello is none', async () => {
    await start();
    const failed = logged('CALLHOME_HELLO');
    serve(await call(), { onChannel: (channel) => channel.resume().end('<goodbye/>]]>]]>') });
    await failed;
  });
});

describe('admission', () => {
  it('drops calls above the number of handshakes, and takes more when those are over', async () => {
    await start({ ...limits, maxHandshakes: 2 });
    const [first, second] = [await call(), await call()];
    const third = await call();
    await closed(third);
    expect(collector.counters()).toMatchObject({ accepted: 2, 'refused.too-many-handshakes': 1 });
    const gone = logged('CALLHOME_PEER_CLOSED');
    first.destroy();
    await gone;
    const connected = logged('device connected');
    serve(await call());
    await connected;
    second.destroy();
  });

  it('drops calls above the number of connections', async () => {
    await start({ ...limits, maxConnections: 1 });
    const connected = logged('device connected');
    serve(await call());
    await connected;
    await closed(await call());
    expect(collector.counters()).toMatchObject({ 'refused.too-many-connections': 1 });
  });
});

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Collector, startCollector } from '@callhome/nms/collector.js';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { Registry } from '@callhome/nms/registry/registry.js';
import { parseOperation } from '@callhome/shared/netconf/operation.js';
import { openServerSession } from '@callhome/shared/netconf/server-session.js';
import { generateKeyPair, hostSigners, type KeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { afterEach, beforeEach } from 'vitest';
import { captureLog } from '../../programs/captured-log.js';
import { createFolder, removeFolder } from '../../programs/folder.js';

/** That of the device `router1`, which the registry knows. */
export const hostKey = generateKeyPair();

const limits = { maxConnections: 100, maxHandshakes: 50, handshakeTimeoutSeconds: 60 };

export interface StartOptions extends Partial<typeof limits> {
  readonly identity?: KeyPair;
  readonly user?: string;
  /** The collector's name in the registry. */
  readonly owner?: string;
  /** What it has instead of the registry on the disk. */
  readonly wrap?: (registry: Registry) => Registry;
}

/** A collector in this process, with a registry on the disk, and sockets that call it. */
export interface Rig {
  readonly registry: Registry;
  /** The last that was started. */
  readonly collector: Collector;
  /** Starts a collector; more than one where the test starts more. */
  start(options?: StartOptions): Promise<Collector>;
  /** Makes another device known. */
  addDevice(id: string, key: KeyPair): Promise<void>;
  /** What a connected device answers to `<get/>`. */
  ask(device: string): Promise<string>;
  counters(): Promise<Readonly<Record<string, number>>>;
  /** @param from the loopback address that it comes from */
  call(from?: string, called?: Collector): Promise<Socket>;
  /** Resolves when the registry has what became of calls that are over. */
  settled(): Promise<void>;
  /** All lines of its log so far. */
  lines(): string[];
  /** Resolves with the next line of its log that has this code or message. */
  logged(wanted: string): Promise<Record<string, unknown>>;
}

/** A rig that is new for each test. */
export function createRig(): Rig {
  let folder = '';
  let registry: Registry;
  let collector: Collector;
  let collectors: Collector[] = [];
  let sockets: Socket[] = [];
  let captured = captureLog();
  async function addDevice(id: string, { publicKey: { type, blob } }: KeyPair): Promise<void> {
    const key = { type, blob: blob.toString('base64'), fingerprint: fingerprint(blob) };
    await registry.add({ id, hostKeys: [key], labels: {} });
  }
  beforeEach(async () => {
    captured = captureLog();
    folder = await createFolder('registry');
    registry = await openEmbeddedRegistry(folder);
    await addDevice('router1', hostKey);
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    const running = collectors;
    collectors = [];
    await Promise.all(running.map((each) => each.stop()));
    await registry.close();
    await removeFolder(folder);
  });
  return {
    get registry() {
      return registry;
    },
    get collector() {
      return collector;
    },
    async start({
      identity = generateKeyPair(),
      user = 'callhome',
      owner = 'collector',
      wrap = (same: Registry) => same,
      ...admission
    } = {}) {
      const binds = [{ address: '127.0.0.1', port: 0 }];
      const listener = {
        name: 'call-home',
        binds,
        transport: 'ssh' as const,
        tcpKeepaliveSeconds: undefined,
        identity,
        user,
        keepalive: undefined,
      };
      const api = { address: '127.0.0.1', port: 0 };
      const config = {
        listeners: [listener],
        api,
        admission: { ...limits, ...admission },
        retention: { days: 90, connections: 100 },
        flapping: { ends: 5, minutes: 10 },
        warnings: [],
      };
      collector = await startCollector(config, wrap(registry), captured.log, owner);
      collectors.push(collector);
      return collector;
    },
    async call(from, called = collector) {
      const port = called.addresses()[0]?.port ?? 0;
      const local = from === undefined ? {} : { localAddress: from };
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...local });
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    addDevice,
    async ask(device) {
      const reached = await collector.fleet.reach(device);
      const { body } = await reached.send(parseOperation('<get/>'), {});
      return text(body);
    },
    counters: () => Promise.resolve(collector.counters.read()),
    settled: () => new Promise(setImmediate),
    lines: () => captured.text().trim().split('\n'),
    logged: (wanted) => captured.next(wanted),
  };
}

export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once('close', () => resolve()));
}

export interface DeviceOptions {
  readonly key?: KeyPair;
  readonly algorithms?: ssh2.Algorithms;
  readonly onAuthentication?: (context: ssh2.AuthContext) => Promise<void> | void;
  readonly onChannel?: (channel: ServerChannel) => void;
  /** Takes the connection instead of what serves sessions. */
  readonly onConnection?: (connection: Connection) => void;
}

/** Answers `<ok/>` to everything. */
export function serveNetconf(channel: ServerChannel): void {
  openServerSession(channel, {
    sessionId: 7,
    capabilities: ['urn:ietf:params:netconf:base:1.1'],
    handle: async () => '<ok/>',
    onFault: () => undefined,
  });
}

/** Makes a socket the device's end of SSH, with a plain ssh2 server. */
export function serve(socket: Socket, options: DeviceOptions = {}): void {
  const { key = hostKey, algorithms = {}, onAuthentication, onChannel = serveNetconf } = options;
  const server = new ssh2.Server({ hostKeys: hostSigners([key]), algorithms });
  server.on('connection', (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', async (context) => {
      await onAuthentication?.(context);
      if (context.method === 'publickey') context.accept();
      else context.reject(['publickey']);
    });
    if (options.onConnection) {
      options.onConnection(connection);
      return;
    }
    connection.on('session', (accept) => {
      accept().on('subsystem', (acceptSubsystem) => onChannel(acceptSubsystem()));
    });
  });
  server.injectSocket(socket);
}

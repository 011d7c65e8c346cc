import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { SessionChannel } from '@callhome/agent/backend/backend.js';
import { type ServedConnection, serveConnection } from '@callhome/agent/connection/connection.js';
import type { EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { generateKeyPair, type KeyPair, signer } from '@callhome/shared/ssh/key-pair.js';
import type { RekeyLimits } from '@callhome/shared/ssh/rekey.js';
import { Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { afterEach, beforeEach } from 'vitest';
import { type CapturedLog, captureLog } from '../../programs/captured-log.js';

const hostKey = generateKeyPair();
export const userKey = generateKeyPair();

export interface ServeOptions extends Partial<EndpointConfig> {
  /** Seconds. */
  readonly handshakeTimeoutSeconds?: number;
  /** Seconds. */
  readonly idleTimeoutSeconds?: number;
  /** Seconds. */
  readonly sessionLingerSeconds?: number;
  readonly maxSessions?: number;
  readonly rekey?: RekeyLimits;
  /** Serves a session; by default it is over with its channel. */
  readonly onSession?: (channel: SessionChannel) => Promise<void>;
}

/** Both ends of dialled connections, on loopback. */
export interface Rig {
  /** The channels that the agent's end has opened so far. */
  readonly channels: SessionChannel[];
  readonly captured: CapturedLog;
  dial(): Promise<{ device: Socket; nms: Socket }>;
  serve(device: Socket, options?: ServeOptions): Promise<ServedConnection>;
}

/** A rig that is new for each test. */
export function createRig(): Rig {
  let server: Server;
  let sockets: Socket[] = [];
  let channels: SessionChannel[] = [];
  let captured = captureLog();
  beforeEach(async () => {
    server = createServer({ noDelay: true }, (socket) =>
      sockets.push(socket.on('error', () => undefined)),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    captured = captureLog();
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    channels = [];
    server.close();
  });
  return {
    get channels() {
      return channels;
    },
    get captured() {
      return captured;
    },
    async dial() {
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new Error('not listening');
      const calling = new Promise<Socket>((resolve) => server.once('connection', resolve));
      const device = connect({ port: address.port, host: '127.0.0.1', noDelay: true });
      sockets.push(device);
      return { device, nms: await calling };
    },
    serve(
      device,
      {
        handshakeTimeoutSeconds = 100,
        idleTimeoutSeconds = 0,
        sessionLingerSeconds = 3600,
        maxSessions = 2,
        onSession,
        rekey,
        ...overrides
      } = {},
    ) {
      const endpoint: EndpointConfig = {
        name: 'nms-1',
        transport: 'ssh',
        address: '127.0.0.1',
        port: 0,
        hostKeys: [hostKey],
        users: [{ name: 'callhome', publicKeys: [userKey.publicKey] }],
        keepalive: undefined,
        localAddress: undefined,
        localPort: 0,
        tcpKeepaliveSeconds: undefined,
        proxy: undefined,
        transportParams: {},
        ...overrides,
      };
      const untilClosed = (channel: SessionChannel): Promise<void> =>
        new Promise((resolve) => channel.once('close', () => resolve()));
      return serveConnection(device, endpoint, {
        handshakeTimeoutSeconds,
        maxSessions,
        idleTimeoutSeconds,
        sessionLingerSeconds,
        ...(rekey && { rekey }),
        onSession(channel) {
          channels.push(channel);
          return (onSession ?? untilClosed)(channel);
        },
        log: captured.log,
      });
    },
  };
}

/** Resolves when it is gone, in order or by a reset. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Makes a socket the management system's end, logged in if it is let in. */
export async function logIn(
  nms: Socket,
  key: KeyPair = userKey,
  config: ConnectConfig = {},
): Promise<Client> {
  const client = new Client();
  client.on('error', () => undefined);
  const username = config.username ?? 'callhome';
  client.connect({
    sock: nms,
    username,
    authHandler: (_left, _partial, next) => next({ type: 'publickey', username, key: signer(key) }),
    hostVerifier: (blob: Buffer, verify: (valid: boolean) => void) =>
      verify(blob.equals(hostKey.publicKey.blob)),
    ...config,
  });
  await new Promise<void>((resolve) => client.once('ready', () => resolve()).once('close', () => resolve()));
  return client;
}

export function subsystem(client: Client, name = 'netconf'): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.subsys(name, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** Counts how often keys are exchanged from now on, by one of the channels that the agent's end has opened. */
export function countExchanges(channel: unknown): () => number {
  let count = 0;
  const connection = Reflect.get(Object(channel), '_client') as NodeJS.EventEmitter;
  connection.on('rekey', () => {
    count += 1;
  });
  return () => count;
}

/** A member that ssh2 keeps to itself, for a peer that breaks the rules. */
export function internals(
  owner: unknown,
  ...path: string[]
): Record<string, unknown> & { [name: string]: never } {
  let at = owner;
  for (const name of path) at = Reflect.get(Object(at), name);
  return Object(at);
}

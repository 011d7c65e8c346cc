import { Socket } from 'node:net';
import { startApplication } from '@callhome/agent/application/application.js';
import type { Clock } from '@callhome/agent/application/clock.js';
import type { AgentSettings, ApplicationOptions } from '@callhome/agent/application/options.js';
import type { ServedConnection } from '@callhome/agent/connection/connection.js';
import type { ApplicationConfig, EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { captureLog } from '../programs/captured-log.js';

type Dial = ApplicationOptions['dial'];
type Serve = ApplicationOptions['serve'];

/** All that can happen without the test has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes when the test says so. */
export interface FakeClock extends Clock {
  /** Lets time pass, and what it brings about happen. */
  pass(ms: number): Promise<void>;
  /** Sets the wall clock. */
  set(time: number): void;
  /** How long each wait is that is not over. */
  readonly delays: readonly number[];
}

function createClock(start: number): FakeClock {
  let elapsed = 0;
  let offset = start;
  let waits: { delayMs: number; over: number; resolve: () => void }[] = [];
  return {
    now: () => offset + elapsed,
    // of another origin than the wall clock
    monotonic: () => 5_000_000 + elapsed,
    wait(delayMs, signal) {
      const { promise, resolve } = deferred<void>();
      if (signal.aborted) resolve();
      else waits.push({ delayMs, over: elapsed + delayMs, resolve });
      signal.addEventListener('abort', () => resolve());
      return promise.then(() => {
        waits = waits.filter((wait) => wait.resolve !== resolve);
      });
    },
    async pass(ms) {
      const end = elapsed + ms;
      await settled();
      for (;;) {
        const [next] = waits.toSorted((one, other) => one.over - other.over);
        if (!next || next.over > end) break;
        elapsed = next.over;
        next.resolve();
        await settled();
      }
      elapsed = end;
    },
    set(time) {
      offset = time - elapsed;
    },
    get delays() {
      return waits.map(({ delayMs }) => delayMs);
    },
  };
}

/** A call of the dialler that waits for the test. */
interface FakeDial {
  readonly options: Parameters<Dial>[0];
  readonly socket: Socket;
  answer(): void;
  fail(): void;
}

/** A connection that somebody is logged in on. */
interface FakeConnection extends ServedConnection {
  readonly sessions: { open: number; total: number; lastMessage: number; closedInOrder: boolean };
}

/** A socket that is being served, whose user the test lets in or not. */
interface FakeService {
  readonly socket: Parameters<Serve>[0];
  readonly endpoint: EndpointConfig;
  readonly options: Parameters<Serve>[2];
  letIn(): FakeConnection;
  refuse(): void;
}

type TcpSettings = Pick<EndpointConfig, 'localAddress' | 'localPort' | 'tcpKeepaliveSeconds' | 'proxy'>;

export function endpoint(name: string, more: Partial<TcpSettings> = {}): EndpointConfig {
  return {
    name,
    transport: 'ssh',
    address: `${name}.example.net`,
    port: 4334,
    localAddress: undefined,
    localPort: 0,
    tcpKeepaliveSeconds: undefined,
    proxy: undefined,
    hostKeys: [],
    users: [],
    transportParams: {},
    keepalive: undefined,
    ...more,
  };
}

/** A Sunday, 10:07. */
export const start = Date.UTC(2026, 2, 1, 10, 7);

export interface RigOptions extends Partial<ApplicationConfig> {
  /** The endpoint that was connected to before the start. */
  readonly remembered?: string;
}

/** An application, started, whose world is the test. */
export function createRig({ remembered, ...config }: RigOptions = {}) {
  const captured = captureLog();
  const clock = createClock(start);
  const dials: FakeDial[] = [];
  const services: FakeService[] = [];
  const sessions: string[] = [];
  const memory = new Map(remembered === undefined ? [] : [['nms', remembered]]);
  const backend = (name: string): AgentSettings['backend'] => ({
    async open() {
      sessions.push(name);
    },
  });
  const world = {
    /** What all dice show. */
    face: 0.5,
    settings: {
      backend: backend('one'),
      backoffCapSeconds: 60,
      handshakeTimeoutSeconds: 30,
      maxSessions: 8,
      sessionLingerSeconds: 5,
    },
  };

  const dial: Dial = (options) => {
    const { promise, resolve, reject } = deferred<Socket>();
    const socket = new Socket();
    const { address, port, signal } = options;
    signal.addEventListener('abort', () => reject(new CallhomeError('CALLHOME_STOPPED', {})));
    const why = `ECONNREFUSED ${address}`;
    dials.push({
      options,
      socket,
      answer: () => resolve(socket),
      fail: () => reject(new CallhomeError('CALLHOME_DIAL_FAILED', { address, port, proxy: undefined, why })),
    });
    return promise;
  };

  const serve: Serve = (socket, endpoint, options) => {
    const { promise, resolve, reject } = deferred<ServedConnection>();
    socket.once('close', () => reject(new CallhomeError('CALLHOME_PEER_CLOSED', { when: 'early' })));
    services.push({
      socket,
      endpoint,
      options,
      letIn() {
        const ended = deferred<CallhomeError>();
        const connection: FakeConnection = {
          transport: 'ssh',
          isOpen: () => true,
          user: 'callhome',
          sessions: { open: 0, total: 0, lastMessage: 0, closedInOrder: false },
          ended: ended.promise,
          end: ended.resolve,
        };
        resolve(connection);
        return connection;
      },
      refuse: () =>
        reject(new CallhomeError('CALLHOME_AUTHENTICATION_FAILED', { user: 'eve', why: 'no such key' })),
    });
    return promise;
  };

  const application = startApplication(
    {
      name: 'nms',
      endpoints: [endpoint('one')],
      connectionType: { kind: 'persistent' },
      startWith: 'first-listed',
      maxWaitSeconds: 7,
      maxAttempts: 3,
      fingerprint: '',
      ...config,
    },
    {
      settings: () => world.settings,
      remembered: {
        get: (name) => memory.get(name),
        remember: async (name, endpoint) => void memory.set(name, endpoint),
      },
      dial,
      serve,
      clock,
      dice: () => world.face,
      log: captured.log,
    },
  );

  function last<T>(list: readonly T[]): T {
    const one = list.at(-1);
    if (one === undefined) throw new Error('there is none yet');
    return one;
  }

  return {
    application,
    clock,
    world,
    backend,
    memory,
    dials,
    services,
    /** The backends that sessions were opened on. */
    sessions,
    dialled: () => last(dials),
    served: () => last(services),
    /** The endpoint of each attempt so far. */
    called: () => dials.map(({ options }) => options.address.replace('.example.net', '')),
    status: () => application.status(),
    /** The attempt that is being made fails. */
    async fail() {
      last(dials).fail();
      await settled();
    },
    /** The attempt that is being made succeeds. */
    async connect(): Promise<FakeConnection> {
      last(dials).answer();
      await settled();
      const connection = last(services).letIn();
      await settled();
      return connection;
    },
    /** The lines of the log with this message. */
    lines: (msg: string): Record<string, unknown>[] =>
      captured
        .text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Record<string, unknown> => JSON.parse(line))
        .filter((line) => line['msg'] === msg),
  };
}

export type ApplicationRig = ReturnType<typeof createRig>;

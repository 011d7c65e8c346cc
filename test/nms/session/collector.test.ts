import { once } from 'node:events';
import { deferred } from '@callhome/shared/deferred.js';
import { parseOperation } from '@callhome/shared/netconf/operation.js';
import { openServerSession, type ServerSession } from '@callhome/shared/netconf/server-session.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import type { Connection, ServerChannel } from 'ssh2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { closed, createRig, hostKey, serve, serveNetconf } from './rig.js';

const rig = createRig();

describe('a device that calls the collector', () => {
  it('is under management once it has proved its key, let the collector in and said hello', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    serve(await rig.call());
    expect(await connected).toMatchObject({ device: 'router1', session: 7 });
    expect(await rig.ask('router1')).toContain('<ok/>');
    expect(await rig.counters()).toMatchObject({ accepted: 1, established: 1 });
  });

  it('is in the registry by the time that the log tells of it', async () => {
    const told: boolean[] = [];
    const toldOf = (msg: string) => rig.lines().some((line) => line.includes(msg));
    await rig.start({
      wrap: (registry) => ({
        ...registry,
        connected(...values) {
          told.push(toldOf('device connected'));
          return registry.connected(...values);
        },
        disconnected(...values) {
          told.push(toldOf('device disconnected'));
          return registry.disconnected(...values);
        },
      }),
    });
    const connected = rig.logged('device connected');
    const socket = await rig.call();
    serve(socket);
    await connected;
    const disconnected = rig.logged('device disconnected');
    socket.end();
    await disconnected;
    expect(told).toEqual([false, false]);
  });

  it('may have more capabilities than are kept, and how many is told', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const capabilities = Array.from({ length: 4000 }, (_, index) => `urn:x:${index}`.padEnd(128, 'x'));
    serve(await rig.call(), {
      onChannel: (channel) =>
        void openServerSession(channel, {
          sessionId: 7,
          capabilities: ['urn:ietf:params:netconf:base:1.1', ...capabilities],
          handle: async () => '<ok/>',
          onFault: () => undefined,
        }),
    });
    await connected;
    await rig.settled();
    const kept = await rig.registry.get('router1');
    expect(kept?.capabilitiesDropped).toBeGreaterThan(0);
    expect((kept?.capabilities?.length ?? 0) + (kept?.capabilitiesDropped ?? 0)).toBeGreaterThan(4000);
  });

  it('may say any lines before its identification, in any segments', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const socket = await rig.call();
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
    await rig.start();
    const refused = rig.logged('CALLHOME_HOST_KEY_UNKNOWN');
    const requests: string[] = [];
    const stranger = generateKeyPair();
    serve(await rig.call(), {
      key: stranger,
      onAuthentication: (context) => void requests.push(context.method),
    });
    expect((await refused)['reason']).toContain(fingerprint(stranger.publicKey.blob));
    expect(requests).toEqual([]);
    expect(await rig.counters()).toMatchObject({ 'failed.CALLHOME_HOST_KEY_UNKNOWN': 1 });
  });

  it('gets none either when it shows a known key that it does not hold, and takes nothing over', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
    const refused = rig.logged('CALLHOME_HANDSHAKE_FAILED');
    const requests: string[] = [];
    const thief = { publicKey: hostKey.publicKey, privateKey: generateKeyPair().privateKey };
    serve(await rig.call(), {
      key: thief,
      onAuthentication: (context) => void requests.push(context.method),
    });
    await refused;
    expect(requests).toEqual([]);
    expect(await rig.ask('router1')).toContain('<ok/>');
    expect(await rig.registry.get('router1')).toMatchObject({ state: 'connected', connections: 1 });
  });

  it('replaces its old connection by a new one', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const first = await rig.call();
    serve(first);
    await connected;
    const replaced = rig.logged('CALLHOME_REPLACED');
    serve(await rig.call());
    await replaced;
    await once(first, 'close');
    expect(await rig.registry.get('router1')).toMatchObject({ state: 'connected', connections: 2 });
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
    await rig.start();
    const failed = rig.logged(code);
    const socket = await rig.call();
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
    await rig.start({ handshakeTimeoutSeconds: 0.1 });
    const failed = rig.logged('CALLHOME_HANDSHAKE_TIMEOUT');
    const socket = await rig.call();
    const over = closed(socket);
    socket.write(text);
    await failed;
    await over;
  });

  it('is cut off in time when it opens a session and says no hello', async () => {
    await rig.start({ handshakeTimeoutSeconds: 0.5 });
    const failed = rig.logged('CALLHOME_HANDSHAKE_TIMEOUT');
    const socket = await rig.call();
    serve(socket, { onChannel: (channel) => channel.resume() });
    await failed;
    await once(socket, 'close');
  });

  it('is cut off when its hello is none', async () => {
    await rig.start();
    const failed = rig.logged('CALLHOME_HELLO');
    serve(await rig.call(), { onChannel: (channel) => channel.resume().end('<goodbye/>]]>]]>') });
    await failed;
  });
});

describe("the collector's own session", () => {
  afterEach(() => void vi.useRealTimers());

  /** A device whose sessions are numbered, of which each can be ended. */
  async function connectDevice() {
    vi.useFakeTimers({ toFake: ['performance'] });
    await rig.start();
    const connected = rig.logged('device connected');
    const sessions: ServerSession[] = [];
    serve(await rig.call(), {
      onChannel: (channel) =>
        void sessions.push(
          openServerSession(channel, {
            sessionId: sessions.length + 1,
            capabilities: ['urn:ietf:params:netconf:base:1.1'],
            handle: async () => '<ok/>',
            onFault: () => undefined,
          }),
        ),
    });
    await connected;
    return sessions;
  }

  it('is replaced where the device ends it after a minute, and the connection stays', async () => {
    const sessions = await connectDevice();
    vi.advanceTimersByTime(60_000);
    const replaced = rig.logged("the collector's session was replaced");
    sessions[0]?.destroy(new Error('killed'));
    expect(await replaced).toMatchObject({ level: 'warn', device: 'router1', session: 2 });
    expect(await rig.collector.fleet.presence('router1')).toMatchObject({ connected: true, sessionId: 2 });
    expect(await rig.ask('router1')).toContain('<ok/>');
    expect(await rig.counters()).toMatchObject({ established: 1, 'sessions.replaced': 1 });
    expect(await rig.registry.get('router1')).toMatchObject({ state: 'connected', connections: 1 });
  });

  it('takes the connection with it where the device ends it sooner', async () => {
    const sessions = await connectDevice();
    const over = rig.logged('device disconnected');
    sessions[0]?.destroy(new Error('killed'));
    expect(await over).toMatchObject({
      code: 'CALLHOME_SESSION_CLOSED',
      reason: expect.stringMatching(/^the NETCONF session is closed: /),
    });
    expect(await rig.collector.fleet.presence('router1')).toEqual({ connected: false });
  });
});

describe('a session of which a device has said nothing yet', () => {
  it('fails at once for the loss of the connection, and so does what is asked of it later', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const asked = deferred<void>();
    let sessions = 0;
    const socket = await rig.call();
    serve(socket, {
      onConnection: (connection) =>
        void connection.on('session', (accept) =>
          accept().on('subsystem', (take) => {
            sessions += 1;
            if (sessions === 1) serveNetconf(take());
            else asked.resolve();
          }),
        ),
    });
    await connected;
    const device = await rig.collector.fleet.reach('router1');
    const lost = {
      code: 'CALLHOME_CONNECTION_LOST',
      message: 'the connection was lost: the peer closed the connection',
    };
    const waiting = [device.openSession(), device.openSession()].map((session) =>
      expect(session).rejects.toMatchObject(lost),
    );
    await asked.promise;
    socket.destroy();
    await Promise.all(waiting);
    await expect.poll(() => device.isLost()).toBe(true);
    await expect(device.openSession()).rejects.toMatchObject(lost);
    await expect(device.send(parseOperation('<get/>'), {})).rejects.toMatchObject(lost);
    expect(sessions).toBe(2);
  });
});

describe('a device without a user of its own', () => {
  it("is logged in to as the listener's user at the time of the call", async () => {
    await rig.start({ user: 'netconf' });
    const connected = rig.logged('device connected');
    const users: string[] = [];
    serve(await rig.call(), { onAuthentication: ({ username }) => void users.push(username) });
    await connected;
    expect(users).toEqual(['netconf', 'netconf']);
  });
});

describe('a call that fails when the key is proved', () => {
  it.each([
    [
      'the device lets nobody in',
      'CALLHOME_AUTHENTICATION_FAILED',
      'log-in',
      {
        onConnection: (connection: Connection) =>
          void connection
            .removeAllListeners('authentication')
            .on('authentication', (context) => context.reject(['password'])),
      },
    ],
    [
      'the device closes the session',
      'CALLHOME_PEER_CLOSED',
      'session',
      { onChannel: (channel: ServerChannel) => channel.end() },
    ],
    [
      'the hello is none',
      'CALLHOME_HELLO',
      'session',
      { onChannel: (channel: ServerChannel) => channel.end('<x/>]]>]]>') },
    ],
  ])('because %s is told with the name of the device, and kept', async (_why, code, stage, options) => {
    await rig.start();
    const failed = rig.logged(code);
    const socket = await rig.call();
    const remoteAddress = `127.0.0.1 port ${socket.localPort}`;
    serve(socket, options);
    const line = await failed;
    expect(line).toMatchObject({ level: 'warn', msg: 'call failed', device: 'router1' });
    await rig.settled();
    const { lastAttempt } = (await rig.registry.get('router1')) ?? {};
    const kept = { at: expect.any(String), remoteAddress, stage, code, reason: line['reason'] };
    expect(lastAttempt).toEqual(kept);
    expect(Date.parse(lastAttempt?.at ?? '')).toBeGreaterThan(Date.now() - 60_000);

    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
    await rig.settled();
    expect(await rig.registry.get('router1')).not.toHaveProperty('lastAttempt');
  });

  it('leaves the device alone whose key was only claimed', async () => {
    await rig.start();
    const failed = rig.logged('CALLHOME_HANDSHAKE_FAILED');
    serve(await rig.call(), {
      key: { publicKey: hostKey.publicKey, privateKey: generateKeyPair().privateKey },
    });
    const line = await failed;
    expect(line).toMatchObject({ msg: 'call failed', claimed: 'router1' });
    expect(line).not.toHaveProperty('device');
    await rig.settled();
    expect(await rig.registry.get('router1')).not.toHaveProperty('lastAttempt');
  });
});

describe('a key that two devices have', () => {
  it('is told as a likely clone when they throw each other out again and again', async () => {
    await rig.start();
    const hosts = ['127.0.0.1', '127.0.0.2'];
    const calls = [];
    for (let turn = 0; turn <= 4; turn += 1) {
      expect((await rig.collector.fleet.presence('router1')).likelyClone).toBeUndefined();
      const connected = rig.logged('device connected');
      const replaced = rig.logged('device disconnected');
      serve(await rig.call(hosts[turn % 2]));
      await connected;
      if (turn > 0) calls.push(await replaced);
    }
    expect(calls.map(({ code }) => code)).toEqual([
      'CALLHOME_REPLACED',
      'CALLHOME_REPLACED',
      'CALLHOME_REPLACED',
      'CALLHOME_LIKELY_CLONE',
    ]);
    expect(calls.at(-1)).toMatchObject({
      level: 'warn',
      device: 'router1',
      reason: expect.stringContaining('127.0.0.2'),
    });
    expect((await rig.collector.fleet.presence('router1')).likelyClone).toBe('127.0.0.2');
  });
});

describe('admission', () => {
  it('drops calls above the number of handshakes, and takes more when those are over', async () => {
    await rig.start({ maxHandshakes: 2 });
    const [first, second] = [await rig.call(), await rig.call()];
    const third = await rig.call();
    await closed(third);
    expect(await rig.counters()).toMatchObject({ accepted: 2, 'refused.too-many-handshakes': 1 });
    const gone = rig.logged('CALLHOME_PEER_CLOSED');
    first.destroy();
    await gone;
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
    second.destroy();
  });

  it('drops calls above the number of connections', async () => {
    await rig.start({ maxConnections: 1 });
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
    await closed(await rig.call());
    expect(await rig.counters()).toMatchObject({ 'refused.too-many-connections': 1 });
  });
});

import { generateKeyPairSync } from 'node:crypto';
import type { Socket } from 'node:net';
import { publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import type { Connection, Session } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { closed, createRig, serve, serveNetconf } from './rig.js';

const rig = createRig();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const rsaKey = { privateKey: rsa, publicKey: publicKeyOf(rsa, 'the key') };

function member(owner: unknown, name: string): unknown {
  return Reflect.get(Object(owner), name);
}

/** What a device says to a request for a subsystem, whatever that is; and what it does with the channel meanwhile. */
function onSession(connection: Connection, act: (session: Session) => void): void {
  connection.on('session', (accept) => act(accept()));
}

describe('a device', () => {
  it.each([
    [
      'a key exchange whose prime the device names',
      { kex: ['diffie-hellman-group-exchange-sha256' as const] },
    ],
    ['compression', { compress: ['zlib' as const] }],
  ])('that wants %s is refused', async (_what, algorithms) => {
    await rig.start();
    const failed = rig.logged('CALLHOME_NO_COMMON_ALGORITHM');
    serve(await rig.call(), { algorithms });
    await failed;
  });

  it('lets a collector with an RSA key in, which signs with SHA-2', async () => {
    await rig.start({ identity: rsaKey });
    const connected = rig.logged('device connected');
    const hashes: unknown[] = [];
    serve(await rig.call(), {
      onAuthentication: (context) => {
        if (context.method === 'publickey' && context.signature) hashes.push(context.hashAlgo);
      },
    });
    await connected;
    expect(hashes).toEqual(['sha256']);
  });

  it('that takes RSA signatures with SHA-1 alone is sent none, and the log says why', async () => {
    await rig.start({ identity: rsaKey });
    const failed = rig.logged('call failed');
    const signatures: unknown[] = [];
    serve(await rig.call(), {
      onConnection: (connection) => withoutExtInfo(connection),
      onAuthentication: (context) => {
        if (context.method === 'publickey' && context.signature) signatures.push(context.hashAlgo);
      },
    });
    expect((await failed)['reason']).toContain('SHA-1');
    expect(signatures).toEqual([]);
  });

  it('that is removed while it logs in does not become connected', async () => {
    await rig.start();
    const failed = rig.logged('call failed');
    serve(await rig.call(), {
      onAuthentication: async () => {
        await rig.registry.remove('router1');
      },
    });
    expect(await failed).toMatchObject({ code: 'CALLHOME_DISCONNECTED' });
    expect(await rig.collector.fleet.presence('router1')).toEqual({ connected: false });
  });

  it('that takes packets of no bytes is cut off instead of written to for ever', async () => {
    await rig.start();
    const failed = rig.logged('CALLHOME_PROTOCOL');
    serve(await rig.call(), {
      onConnection: (connection) => {
        const protocol = Object(member(connection, '_protocol'));
        const confirm = protocol.channelOpenConfirm;
        protocol.channelOpenConfirm = (theirs: number, ours: number, window: number) =>
          confirm.call(protocol, theirs, ours, window, 0);
        onSession(connection, (session) => session.on('subsystem', (accept) => accept().resume()));
      },
    });
    await failed;
  });

  it('that floods a channel before it answers for the subsystem is cut off', async () => {
    await rig.start();
    const failed = rig.logged('CALLHOME_BUFFER_EXCEEDED');
    const socket = await rig.call();
    serve(socket, {
      onConnection: (connection) => {
        onSession(connection, (session) => {
          session.on('subsystem', () => floodChannel(socket, connection, session));
        });
      },
    });
    await failed;
    await closed(socket);
  });

  it('that refuses a subsystem keeps no channel of it', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    let sessions = 0;
    const over: Promise<void>[] = [];
    serve(await rig.call(), {
      onConnection: (connection) => {
        onSession(connection, (session) => {
          sessions += 1;
          over.push(new Promise((resolve) => session.on('close', () => resolve())));
          session.on('subsystem', (accept, reject) => {
            if (sessions > 1) reject();
            else serveNetconf(accept());
          });
        });
      },
    });
    await connected;
    const reached = await rig.collector.fleet.reach('router1');
    await expect(reached.openSession()).rejects.toMatchObject({
      code: 'CALLHOME_CHANNEL_REFUSED',
    });
    await over[1];
  });

  it('whose channel was given up with data unread forgets it', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const over: Promise<void>[] = [];
    serve(await rig.call(), {
      onConnection: (connection) => {
        onSession(connection, (session) => {
          over.push(new Promise((resolve) => session.on('close', () => resolve())));
          session.on('subsystem', (accept) =>
            accept()
              .resume()
              .write(over.length === 1 ? hello : Buffer.alloc(500_000)),
          );
        });
      },
    });
    await connected;
    const channel = await (await rig.collector.fleet.reach('router1')).openSession();
    await expect.poll(() => channel.readableLength).toBeGreaterThan(0);
    const closing = new Promise((resolve) => channel.once('close', resolve));
    channel.destroy();
    await Promise.all([closing, over[1]]);
  });
});

const hello =
  '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0' +
  '</capability></capabilities><session-id>7</session-id></hello>]]>]]>';

/** Makes a server one that does not know RFC 8308, and so tells no client that it knows RSA with SHA-2. */
function withoutExtInfo(connection: Connection): void {
  let kex: unknown;
  Object.defineProperty(member(connection, '_protocol'), '_kex', {
    get: () => kex,
    set(value) {
      kex = value;
      if (value)
        Object.defineProperty(value, 'remoteExtInfoEnabled', { get: () => false, set: () => undefined });
    },
  });
}

/** Sends data on a session that has no channel yet, whatever window it was granted. */
function floodChannel(socket: Socket, connection: Connection, session: Session): void {
  const protocol = Object(member(connection, '_protocol'));
  const id = member(member(member(session, '_chanInfo'), 'outgoing'), 'id');
  const block = Buffer.alloc(32_767);
  const send = (): void => {
    if (socket.destroyed || socket.bytesWritten > 64 * 1024 * 1024) return;
    for (let i = 0; i < 16; i += 1) protocol.channelData(id, block);
    setImmediate(send);
  };
  send();
}

/** Silent sockets from one address, as many as they may be, each replaced as soon as it is gone, until the test ends. */
async function keepSilent(number: number, from: string): Promise<() => void> {
  let state: 'calling' | 'over' = 'calling';
  const again = async (): Promise<void> => {
    if (state === 'over') return;
    const socket = await rig.call(from).catch(() => undefined);
    socket?.resume().once('close', () => void again());
  };
  await Promise.all(Array.from({ length: number }, again));
  return () => {
    state = 'over';
  };
}

describe('silent callers that renew their connections', () => {
  it.each([
    ['from another address do not keep a device out', '127.0.0.2'],
    ['from the address of a device that calls again do not keep it out', '127.0.0.1'],
  ])('%s', async (_what, from) => {
    await rig.start({ maxHandshakes: 8 });
    const over = await keepSilent(12, from);
    let connected = false;
    const there = rig.logged('device connected').then(() => {
      connected = true;
    });
    let calls = 0;
    for (; !connected; calls += 1) {
      const socket = await rig.call();
      serve(socket);
      await Promise.race([there, closed(socket)]);
    }
    over();
    if (from !== '127.0.0.1') expect(calls).toBe(1);
    expect((await rig.counters())['failed.CALLHOME_GAVE_WAY']).toBeGreaterThan(0);
  });

  it('are a few lines in the log', async () => {
    await rig.start({ maxHandshakes: 4 });
    const stop = rig.logged('call refused');
    const over = await keepSilent(6, '127.0.0.2');
    await stop;
    await rig.collector.stop();
    over();
    const told = Object.entries(await rig.counters()).filter(([name]) => /^(refused|failed)/.test(name));
    expect(told.length).toBeGreaterThan(0);
    expect(rig.lines().length).toBeLessThanOrEqual(4 * told.length);
  });
});

describe('a device that comes no further than its login', () => {
  it('and calls again and again has two connections at most', async () => {
    await rig.start();
    const sockets: Socket[] = [];
    for (let call = 0; call < 6; call += 1) {
      const socket = await rig.call();
      sockets.push(socket);
      const asked = new Promise<void>((resolve) => {
        serve(socket, {
          onConnection: (connection) => void connection.on('session', () => resolve()),
        });
      });
      await asked;
    }
    await Promise.all(sockets.slice(0, 4).map((socket) => socket.destroyed || closed(socket)));
    expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(2);
    expect(await rig.counters()).toMatchObject({ 'failed.CALLHOME_REPLACED': 4 });
  });
});

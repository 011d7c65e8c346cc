import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { CallhomeError } from '@callhome/shared/errors.js';
import { parseOperation } from '@callhome/shared/netconf/operation.js';
import { openServerSession } from '@callhome/shared/netconf/server-session.js';
import { generateKeyPair, type KeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import type { Connection } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { closed, createRig, hostKey, serve } from './rig.js';

const rig = createRig();

const known = ({ publicKey: { type, blob } }: KeyPair) => ({
  type,
  blob: blob.toString('base64'),
  fingerprint: fingerprint(blob),
});

/** Serves one session on each channel, which answers nothing that it is asked. */
function serveMutely(connection: Connection): void {
  connection.on('session', (accept) => {
    accept().on('subsystem', (acceptSubsystem) => {
      openServerSession(acceptSubsystem(), {
        sessionId: 7,
        capabilities: ['urn:ietf:params:netconf:base:1.1'],
        handle: () => new Promise(() => undefined),
        onFault: () => undefined,
      });
    });
  });
}

/** Takes the global requests of the peer, and answers none. */
function onGlobalRequest(connection: Connection, take: (name: string) => void): void {
  const handlers: unknown = Reflect.get(Object(Reflect.get(connection, '_protocol')), '_handlers');
  Reflect.set(Object(handlers), 'GLOBAL_REQUEST', (_protocol: unknown, name: string) => take(name));
}

/** Calls as the known device; the result is as whom it was logged in to. */
async function callForUser(): Promise<string> {
  const connected = rig.logged('device connected');
  const users = new Set<string>();
  serve(await rig.call(), { onAuthentication: ({ username }) => void users.add(username) });
  await connected;
  return [...users].join();
}

describe('the user', () => {
  it("is the device's own, else its profile's, else the listener's, from the next call on", async () => {
    await rig.start({ user: 'of-listener' });
    await rig.registry.profiles.add('core', { user: 'of-profile' });
    expect(await callForUser()).toBe('of-listener');
    await rig.registry.change('router1', { profile: 'core' });
    expect(await callForUser()).toBe('of-profile');
    await rig.registry.change('router1', { settings: { user: 'of-device' } });
    expect(await callForUser()).toBe('of-device');
    await rig.registry.change('router1', { settings: { user: null } });
    await rig.registry.profiles.change('core', { user: 'changed' });
    expect(await callForUser()).toBe('changed');
    await rig.registry.change('router1', { profile: 'default' });
    expect(await callForUser()).toBe('of-listener');
  });

  it('that changes while the device is logged in to is that of the next call, which may be asked for at once', async () => {
    await rig.start({ user: 'before' });
    const failed = rig.logged('call failed');
    serve(await rig.call(), {
      onAuthentication: async () => {
        await rig.registry.change('router1', { settings: { user: 'after' } });
        const reason = new CallhomeError('CALLHOME_DEVICE_CHANGED', { what: 'the device' });
        await rig.collector.fleet.end('router1', reason);
      },
    });
    expect(await failed).toMatchObject({ device: 'router1', code: 'CALLHOME_DEVICE_CHANGED' });
    expect(await callForUser()).toBe('after');
  });
});

describe('the keep-alive', () => {
  it('is put together of what the device, its profile and the configuration say', async () => {
    await rig.start();
    await rig.registry.profiles.add('core', { keepaliveMaxWaitSeconds: 60_000, keepaliveMaxAttempts: 1 });
    await rig.registry.change('router1', { profile: 'core', settings: { keepaliveMaxWaitSeconds: 1 } });
    const disconnected = rig.logged('device disconnected');
    const probes: string[] = [];
    serve(await rig.call(), {
      onConnection(connection) {
        serveMutely(connection);
        onGlobalRequest(connection, (name) => void probes.push(name));
      },
    });
    expect(await disconnected).toMatchObject({ code: 'CALLHOME_PEER_VANISHED' });
    expect(probes).toEqual(['keepalive@openssh.com']);
  });
});

describe('the time for a reply', () => {
  it('is that of the settings where the caller says nothing', async () => {
    await rig.start();
    await rig.registry.profiles.add('slow', { replyTimeoutSeconds: 1 });
    await rig.registry.change('router1', { profile: 'slow' });
    const connected = rig.logged('device connected');
    serve(await rig.call(), { onConnection: serveMutely });
    await connected;
    const { send } = await rig.collector.fleet.reach('router1');
    const late = (seconds: number) => ({ code: 'CALLHOME_REPLY_TIMEOUT', facts: { seconds } });
    await expect(send(parseOperation('<get/>'), {})).rejects.toMatchObject(late(1));
    await expect(send(parseOperation('<get/>'), { timeoutMs: 10 })).rejects.toMatchObject(late(0.01));
  });
});

describe("operators' own sessions", () => {
  it('are as many at once as the settings say, and the place of one that is closed is free', async () => {
    await rig.start();
    await rig.registry.change('router1', { settings: { maxSessions: 1 } });
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
    const { openSession } = await rig.collector.fleet.reach('router1');
    const first = await openSession();
    await expect(openSession()).rejects.toMatchObject({
      code: 'CALLHOME_SESSIONS_TAKEN',
      facts: { device: 'router1', most: 1 },
    });
    expect(await rig.ask('router1')).toContain('<ok/>');
    const over = once(first, 'close');
    first.destroy();
    await over;
    await openSession();
  });

  it('that the device refuses take no place', async () => {
    await rig.start();
    await rig.registry.change('router1', { settings: { maxSessions: 1 } });
    const connected = rig.logged('device connected');
    let rooms = 1;
    serve(await rig.call(), {
      onConnection(connection) {
        connection.on('session', (accept, reject) => {
          if (rooms === 0) {
            reject();
            return;
          }
          rooms -= 1;
          accept().on('subsystem', (acceptSubsystem) => {
            openServerSession(acceptSubsystem(), {
              sessionId: 7,
              capabilities: ['urn:ietf:params:netconf:base:1.1'],
              // What was more than reading keeps the collector's session from giving way.
              handle: async () => '<ok/>',
              onFault: () => undefined,
            });
          });
        });
      },
    });
    await connected;
    const { openSession, send } = await rig.collector.fleet.reach('router1');
    await text((await send(parseOperation('<commit/>'), {})).body);
    const refused = { code: 'CALLHOME_CHANNEL_REFUSED' };
    await expect(openSession()).rejects.toMatchObject(refused);
    await expect(openSession()).rejects.toMatchObject(refused);
  });
});

describe('a connection that an operator ends', () => {
  it('is over when that is answered, is told with its reason, and is past', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const socket = await rig.call();
    serve(socket);
    await connected;
    const over = closed(socket);
    const disconnected = rig.logged('device disconnected');
    const reason = new CallhomeError('CALLHOME_DEVICE_CHANGED', { what: 'the device' });
    await rig.collector.fleet.end('router1', reason);
    expect(await rig.collector.fleet.presence('router1')).toEqual({ connected: false });
    await over;
    const told = { code: reason.code, reason: reason.message };
    expect(await disconnected).toMatchObject({ device: 'router1', ...told });
    await rig.settled();
    expect(await rig.registry.past.list('router1', 10)).toMatchObject([told]);
    await rig.collector.fleet.end('router1', reason);
    await rig.collector.fleet.end('nobody', reason);
  });
});

describe('a device that is renamed', () => {
  it('loses its connection with a reason, and is connected under its new id when it calls again', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
    await rig.settled();
    const disconnected = rig.logged('device disconnected');
    await rig.registry.rename('router1', 'berlin-1');
    expect(await disconnected).toMatchObject({
      device: 'router1',
      code: 'CALLHOME_DISCONNECTED',
      reason: 'the device was renamed: it is "berlin-1" from its next call on',
    });
    const again = rig.logged('device connected');
    serve(await rig.call());
    expect(await again).toMatchObject({ device: 'berlin-1' });
    await rig.settled();
    expect(await rig.registry.get('router1')).toBeUndefined();
    expect(await rig.registry.get('berlin-1')).toMatchObject({ state: 'connected', connections: 2 });
    expect(await rig.registry.past.list('berlin-1', 10)).toMatchObject([
      { reason: 'the device was renamed' },
    ]);
  });
});

describe('a host key that is replaced', () => {
  it('is good together with the new one until it is removed, and each tells when it was proved', async () => {
    await rig.start();
    const next = generateKeyPair();
    const callWith = async (key: KeyPair): Promise<void> => {
      const connected = rig.logged('device connected');
      serve(await rig.call(), { key });
      expect(await connected).toMatchObject({ device: 'router1', hostKey: known(key).fingerprint });
      await rig.settled();
    };
    await callWith(hostKey);
    await rig.registry.change('router1', { addKeys: [known(next)] });
    expect(await rig.collector.fleet.presence('router1')).toMatchObject({ connected: true });
    expect((await rig.registry.get('router1'))?.hostKeys).toMatchObject([
      { ...known(hostKey), provedAt: expect.any(String) },
      { ...known(next), origin: 'added', learnedAt: expect.any(String) },
    ]);
    expect((await rig.registry.get('router1'))?.hostKeys[1]).not.toHaveProperty('provedAt');
    await callWith(next);
    await callWith(hostKey);
    const disconnected = rig.logged('device disconnected');
    await rig.registry.change('router1', { removeKeys: [known(hostKey).fingerprint] });
    expect(await disconnected).toMatchObject({
      reason: expect.stringContaining('no longer one of the device'),
    });
    const refused = rig.logged('call failed');
    serve(await rig.call());
    expect(await refused).toMatchObject({ code: 'CALLHOME_HOST_KEY_UNKNOWN' });
    await callWith(next);
    expect((await rig.registry.get('router1'))?.hostKeys).toMatchObject([
      { ...known(next), provedAt: expect.any(String) },
    ]);
  });
});

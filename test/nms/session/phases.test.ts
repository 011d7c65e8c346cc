import type { Registry } from '@callhome/nms/registry/registry.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { generateKeyPair, type KeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import { onMessage } from '@callhome/shared/ssh/ssh2-internals.js';
import type { Connection } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { createRig as createAgentRig } from '../../agent/connection/rig.js';
import { send } from '../../shared/ssh/raw-message.js';
import { closed, createRig, hostKey, serve, serveNetconf } from './rig.js';

const rig = createRig();
const agent = createAgentRig();
const stranger = generateKeyPair();

// RFC 4250 §4.1.2.
const [disconnect, serviceRequest, newKeys, userauthRequest, userauthSuccess] = [1, 5, 21, 50, 52] as const;

/** All messages that a device gets from now on; those that are taken are not answered. */
function listen(connection: Connection, take: (type: number) => boolean = () => false): Buffer[] {
  const heard: Buffer[] = [];
  onMessage(connection, (message) => {
    heard.push(Buffer.from(message));
    return take(message[0] ?? 0);
  });
  return heard;
}

const types = (messages: readonly Buffer[]): number[] => messages.map(([type]) => type ?? 0);

/** The registry, with another answer to whose a host key is: of the how manieth question, from 1. */
function withLookups(
  answer: (
    lookup: () => ReturnType<Registry['withHostKey']>,
    question: number,
  ) => ReturnType<Registry['withHostKey']>,
): (registry: Registry) => Registry {
  let question = 0;
  return (registry) => ({
    ...registry,
    withHostKey(blob) {
      question += 1;
      return answer(() => registry.withHostKey(blob), question);
    },
  });
}

const never = (): Promise<never> => new Promise(() => undefined);

const definition = (...keys: readonly KeyPair[]) => ({
  id: 'router1',
  labels: {},
  hostKeys: keys.map(({ publicKey: { type, blob } }) => ({
    type,
    blob: blob.toString('base64'),
    fingerprint: fingerprint(blob),
  })),
});

describe('a device that nobody knows', () => {
  it('sees no user name, no key and no signature after its proof, and is told that its key is not known', async () => {
    const identity = generateKeyPair();
    await rig.start({ identity, user: 'a-name-of-ours' });
    const refused = rig.logged('CALLHOME_HOST_KEY_UNKNOWN');
    const socket = await rig.call();
    const over = closed(socket);
    let heard: Buffer[] = [];
    serve(socket, {
      key: stranger,
      onConnection: (connection) => {
        heard = listen(connection);
      },
    });
    await refused;
    await over;
    const behind = heard.slice(types(heard).indexOf(newKeys) + 1);
    expect(types(behind)).toEqual([serviceRequest, disconnect]);
    expect(behind.at(-1)?.readUInt32BE(1)).toBe(9);
    for (const secret of [Buffer.from('a-name-of-ours'), identity.publicKey.blob.subarray(-32)])
      expect(Buffer.concat(heard).includes(secret)).toBe(false);
  });

  it('says itself that its key was refused, where it is our agent', async () => {
    await rig.start();
    await expect(agent.serve(await rig.call())).rejects.toMatchObject({ code: 'CALLHOME_HOST_KEY_REFUSED' });
  });
});

describe('a device that lets in somebody who did not ask', () => {
  const keys = [
    ['is known', hostKey],
    ['is not known', stranger],
    ['shows a key that it does not hold', { ...stranger, publicKey: hostKey.publicKey }],
  ] as const;
  const moments: readonly (readonly [string, (connection: Connection, let_in: () => void) => void])[] = [
    ['before the exchange of keys', (_connection, letIn) => letIn()],
    ['right behind its keys', (connection, letIn) => void connection.once('handshake', letIn)],
    [
      'instead of an answer to the request for the service',
      (connection, letIn) =>
        void listen(connection, (type) => {
          if (type === serviceRequest) letIn();
          return type === serviceRequest;
        }),
    ],
  ];
  const cases = keys.flatMap(([who, key]) => moments.map(([when, act]) => [who, when, key, act] as const));

  it.each(cases)('and %s, %s, is cut off and sees no request', async (_who, _when, key, act) => {
    await rig.start();
    const failed = rig.logged('call failed');
    const socket = await rig.call();
    const over = closed(socket);
    const requests: string[] = [];
    serve(socket, {
      key,
      onAuthentication: ({ method }) => void requests.push(method),
      onConnection: (connection) => act(connection, () => send(connection, userauthSuccess)),
    });
    expect((await failed)['code']).toMatch(/^CALLHOME_(HANDSHAKE_FAILED|HOST_KEY_UNKNOWN)$/);
    await over;
    expect(requests).toEqual([]);
    expect(await rig.counters()).not.toHaveProperty('established');
    expect(rig.collector.size()).toBe(0);
  });

  it.each([
    ['while it is looked up', 'before'],
    ['once it is known, before it has granted the service', 'after'],
  ])('%s is cut off and sees no request', async (_when, moment) => {
    const asked = deferred<void>();
    const answer = deferred<void>();
    const answered = deferred<void>();
    await rig.start({
      wrap: withLookups(async (lookup) => {
        asked.resolve();
        await answer.promise;
        const device = await lookup();
        setImmediate(answered.resolve);
        return device;
      }),
    });
    const failed = rig.logged('CALLHOME_HANDSHAKE_FAILED');
    const socket = await rig.call();
    const over = closed(socket);
    let heard: Buffer[] = [];
    const connected = deferred<Connection>();
    serve(socket, {
      onConnection(connection) {
        heard = listen(connection, (type) => type === serviceRequest);
        connection.once('handshake', () => connected.resolve(connection));
      },
    });
    const connection = await connected.promise;
    await asked.promise;
    if (moment === 'after') {
      answer.resolve();
      await answered.promise;
    }
    send(connection, userauthSuccess);
    await over;
    answer.resolve();
    expect((await failed)['reason']).toContain('let in somebody who did not ask');
    expect(types(heard)).not.toContain(userauthRequest);
    expect(rig.collector.size()).toBe(0);
  });
});

describe('a device that answers a log-in that it was not asked for, while it is looked up,', () => {
  const isCutOff = { code: 'CALLHOME_HANDSHAKE_FAILED' };
  const isAskedLater = { msg: 'device connected' };
  const keyIsFine = ['ssh-ed25519', stranger.publicKey.blob] as const;
  it.each([
    ['by a refusal', [51, 'publickey', 0], isCutOff],
    ['by a partial success', [51, 'publickey', 1], isCutOff],
    ['by consent to a key', [60, ...keyIsFine], isAskedLater],
    ['by a banner', [53, 'welcome', ''], isAskedLater],
    ['by granting the service once more', [6, 'ssh-userauth'], isAskedLater],
    ['by opening a channel', [90, 'session', Buffer.alloc(12)], isAskedLater],
  ] as const)('%s is shown nothing for it', async (_how, message, outcome) => {
    const asked = deferred<void>();
    const answer = deferred<void>();
    await rig.start({
      wrap: withLookups(async (lookup) => {
        asked.resolve();
        await answer.promise;
        return lookup();
      }),
    });
    const told = Promise.race([rig.logged('call failed'), rig.logged('device connected')]);
    const socket = await rig.call();
    let heard: Buffer[] = [];
    const served = deferred<Connection>();
    serve(socket, {
      onConnection(connection) {
        heard = listen(connection);
        connection.once('handshake', () => served.resolve(connection));
        connection.on('session', (accept) => accept().on('subsystem', (take) => serveNetconf(take())));
      },
    });
    const connection = await served.promise;
    await asked.promise;
    send(connection, ...message);
    await new Promise(setImmediate);
    expect(types(heard)).not.toContain(userauthRequest);
    answer.resolve();
    expect(await told).toMatchObject({ device: 'router1', ...outcome });
  });
});

describe('a registry that is asked whose a key is', () => {
  it('and answers late, is waited for', async () => {
    const asked = deferred<void>();
    const answer = deferred<void>();
    await rig.start({
      wrap: withLookups(async (lookup) => {
        asked.resolve();
        await answer.promise;
        return lookup();
      }),
    });
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await asked.promise;
    expect(await rig.collector.fleet.presence('router1')).toEqual({ connected: false });
    answer.resolve();
    await connected;
    expect(await rig.ask('router1')).toContain('<ok/>');
  });

  it('and fails, fails the call for its own reason', async () => {
    const why = new CallhomeError('CALLHOME_STATE_UNUSABLE', { dir: '/state', why: 'the disk is gone' });
    await rig.start({
      wrap: withLookups(() => Promise.reject(why)),
    });
    const failed = rig.logged('call failed');
    const socket = await rig.call();
    const over = closed(socket);
    serve(socket);
    expect(await failed).toMatchObject({ code: why.code, reason: why.message });
    await over;
    expect(rig.collector.size()).toBe(0);
  });

  it('and never answers, fails the call in time', async () => {
    await rig.start({
      handshakeTimeoutSeconds: 0.5,
      wrap: withLookups(never),
    });
    const failed = rig.logged('call failed');
    const socket = await rig.call();
    const over = closed(socket);
    serve(socket);
    expect(await failed).toMatchObject({
      code: 'CALLHOME_HANDSHAKE_TIMEOUT',
      reason: 'the look-up in the registry was not complete within 0.5 s',
    });
    await over;
    expect(rig.collector.size()).toBe(0);
  });

  it('and never answers, keeps nobody who leaves meanwhile', async () => {
    const asked = deferred<void>();
    await rig.start({
      wrap: withLookups(() => {
        asked.resolve();
        return never();
      }),
    });
    const failed = rig.logged('call failed');
    const socket = await rig.call();
    serve(socket);
    await asked.promise;
    socket.end();
    expect(await failed).toMatchObject({ code: 'CALLHOME_PEER_CLOSED' });
  });

  it('and never answers, does not keep the collector from stopping', async () => {
    const asked = deferred<void>();
    await rig.start({
      wrap: withLookups(() => {
        asked.resolve();
        return never();
      }),
    });
    const failed = rig.logged('call failed');
    serve(await rig.call());
    await asked.promise;
    await rig.collector.stop();
    expect(await failed).toMatchObject({ code: 'CALLHOME_STOPPED' });
  });
});

describe('a registry that cannot be written', () => {
  it('ends no connection, and the log says whose history lacks something', async () => {
    const full = () => Promise.reject(new Error('the disk is full'));
    await rig.start({
      wrap: (registry) => ({ ...registry, connected: full, disconnected: full, callFailed: full }),
    });
    const untold = { level: 'error', about: 'router1', reason: 'the disk is full' };
    const told = () => rig.logged('the registry was not written');
    let next = told();
    const socket = await rig.call();
    serve(socket);
    expect(await next).toMatchObject(untold);
    expect(await rig.ask('router1')).toContain('<ok/>');
    next = told();
    const disconnected = rig.logged('device disconnected');
    socket.end();
    await disconnected;
    expect(await next).toMatchObject(untold);
    next = told();
    serve(await rig.call(), { onChannel: (channel) => channel.end('<x/>]]>]]>') });
    expect(await next).toMatchObject(untold);
  });
});

describe('a change of the registry', () => {
  const moments = [
    'while it logs in',
    'while its session is opened',
    'while it is under management',
  ] as const;
  const changes = [
    ['removes the device', (registry: Registry) => registry.remove('router1'), 'the device was removed'],
    [
      'takes the key away that it proved',
      (registry: Registry) =>
        registry.change('router1', { removeKeys: [fingerprint(hostKey.publicKey.blob)] }),
      /the host key that it proved is no longer one of the device|the device was removed, or has another key/,
    ],
    [
      'gives the key to another device',
      async (registry: Registry) => {
        await registry.remove('router1');
        await registry.add({ ...definition(hostKey), id: 'router2' });
      },
      'the device was removed',
    ],
  ] as const;

  /** Lets the device call, and brings the change about at a moment. */
  async function callAnd(moment: (typeof moments)[number], change: () => Promise<unknown>): Promise<void> {
    await rig.start();
    const connected = rig.logged('device connected');
    let changed: Promise<unknown> | undefined;
    const changeOnce = (): Promise<unknown> => {
      changed ??= change();
      return changed;
    };
    const socket = await rig.call();
    serve(socket, {
      onAuthentication: async () => {
        if (moment === 'while it logs in') await changeOnce();
      },
      ...(moment === 'while its session is opened' && { onChannel: () => void changeOnce() }),
    });
    if (moment === 'while it is under management') {
      await connected;
      await change();
    }
    await closed(socket);
  }

  it.each(
    changes.flatMap(([what, change, why]) => moments.map((moment) => [what, moment, change, why] as const)),
  )('that %s %s ends its connection and says why', async (_what, moment, change, why) => {
    const told = Promise.race([rig.logged('call failed'), rig.logged('device disconnected')]);
    await callAnd(moment, () => change(rig.registry));
    const { code, reason } = await told;
    expect(code).toBe('CALLHOME_DISCONNECTED');
    expect(reason).toMatch(why);
    expect(rig.collector.size()).toBe(0);
    await rig.settled();
    expect((await rig.registry.get('router1'))?.state).not.toBe('connected');
  });

  it('while the device is looked up has it looked up again', async () => {
    await rig.start({
      wrap: withLookups(async (lookup, question) => {
        const device = await lookup();
        if (question === 1) await rig.registry.remove('router1');
        return device;
      }),
    });
    const failed = rig.logged('call failed');
    serve(await rig.call());
    expect(await failed).toMatchObject({ code: 'CALLHOME_HOST_KEY_UNKNOWN' });
  });

  it('that removes the device ends its connection, however soon after the look-up it comes', async () => {
    let turns = 0;
    const ends = ['CALLHOME_DISCONNECTED', 'CALLHOME_HOST_KEY_UNKNOWN'];
    await rig.start({
      wrap: (registry) => ({
        ...registry,
        async withHostKey(blob) {
          const device = await registry.withHostKey(blob);
          if (device) {
            let step = Promise.resolve();
            for (let turn = 0; turn < turns; turn += 1) step = step.then(() => undefined);
            void step.then(() => registry.remove('router1'));
          }
          return device;
        },
      }),
    });
    const told = new Set<unknown>();
    for (turns = 0; turns <= 20; turns += 1) {
      const over = Promise.race([rig.logged('call failed'), rig.logged('device disconnected')]);
      const socket = await rig.call();
      serve(socket);
      await closed(socket);
      // Strangers' lines are gathered after the third.
      if (!told.has(ends[1])) told.add((await over)['code']);
      expect(rig.collector.size()).toBe(0);
      await rig.addDevice('router1', hostKey);
    }
    for (const code of told) expect(ends).toContain(code);
  });

  it('that leaves the device its key leaves it connected', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const changed = new Promise((resolve) => rig.registry.watch(resolve));
    const added = definition(generateKeyPair()).hostKeys;
    const change = { addKeys: added, labels: { site: 'b' }, description: 'another' };
    serve(await rig.call(), {
      onAuthentication: async () => {
        await rig.registry.change('router1', change);
      },
    });
    await changed;
    await connected;
    await rig.registry.change('router1', { labels: { site: null } });
    await rig.registry.add({ ...definition(generateKeyPair()), id: 'router2' });
    await rig.registry.remove('router2');
    expect(await rig.ask('router1')).toContain('<ok/>');
    expect(rig.collector.size()).toBe(1);
  });
});

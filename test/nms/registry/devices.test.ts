import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type {
  ConnectionFacts,
  DeviceDefinition,
  DeviceRecord,
  Holder,
  Registry,
  RegistryChange,
} from '@callhome/nms/registry/registry.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-registry-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const now = '2026-03-04T05:06:07.000Z';
const openHere = () => openEmbeddedRegistry(folder, { now: () => now });

const end = (at: string, reason: string) => ({ at, code: 'CALLHOME_STOPPED', reason });

/** A collector's connections, one after the other. */
const held = (connection: number, owner = 'collector'): Holder => ({ owner, connection });

const key = (blob: string) => ({ type: 'ssh-ed25519', blob, fingerprint: `SHA256:${blob}` });

/** As the registry has it when it was added. */
function device(id: string, ...blobs: string[]): DeviceDefinition {
  const hostKeys = blobs.map((blob) => ({ ...key(blob), origin: 'added' as const, learnedAt: now }));
  return { id, hostKeys, settings: { user: 'netconf' }, profileSettings: {}, labels: { site: 'berlin' } };
}

const facts: ConnectionFacts = {
  transport: 'ssh',
  remoteAddress: '[2001:db8::1]:40000',
  hostKey: 'SHA256:a',
  sessionId: 4_294_967_295,
  capabilities: ['urn:ietf:params:netconf:base:1.1', 'urn:example:ü\u0000'],
  connectedAt: '2026-03-04T05:00:00.000Z',
};

/** All devices of a registry. */
async function all(registry: Registry): Promise<DeviceRecord[]> {
  const records: DeviceRecord[] = [];
  for await (const record of registry.list()) records.push(record);
  return records;
}

describe('devices', () => {
  test('are kept with their keys in order, and are there after a reopening', async () => {
    const first = await openHere();
    await first.add(device('b', 'b2', 'b1'));
    await first.add(device('a', 'a'));
    await first.close();
    const registry = await openHere();
    const expected = (definition: DeviceDefinition) => ({
      ...definition,
      state: 'disconnected',
      connections: 0,
    });
    expect(await all(registry)).toEqual([expected(device('a', 'a')), expected(device('b', 'b2', 'b1'))]);
    expect(await registry.get('b')).toEqual(expected(device('b', 'b2', 'b1')));
    expect(await registry.get('c')).toBeUndefined();
    await registry.close();
  });

  test('an id or a key that is taken changes nothing', async () => {
    const registry = await openHere();
    await registry.add(device('a', 'a1', 'a2'));
    const before = await all(registry);
    await expect(registry.add(device('a', 'other'))).rejects.toMatchObject({
      code: 'CALLHOME_DEVICE_EXISTS',
    });
    await expect(registry.add(device('b', 'b1', 'a2'))).rejects.toMatchObject({
      code: 'CALLHOME_HOST_KEY_TAKEN',
      facts: { device: 'a', fingerprint: 'SHA256:a2' },
    });
    expect(await all(registry)).toEqual(before);
    await registry.add(device('b', 'b1'));
    await registry.close();
  });

  test('the same key twice in one device is one key', async () => {
    const registry = await openHere();
    await registry.add(device('a', 'a1', 'a1'));
    expect((await registry.get('a'))?.hostKeys).toHaveLength(1);
    await registry.close();
  });

  test('a removed device frees its keys', async () => {
    const registry = await openHere();
    await registry.add(device('a', 'key'));
    expect(await registry.remove('a')).toBe(true);
    expect(await registry.remove('a')).toBe(false);
    await registry.add(device('b', 'key'));
    expect((await all(registry)).map(({ id }) => id)).toEqual(['b']);
    await registry.close();
  });

  test('watchers hear of what was done, of nothing else, and only while they watch', async () => {
    const registry = await openHere();
    const heard: RegistryChange[] = [];
    const unwatch = registry.watch((change) => heard.push(change));
    await registry.add(device('a', 'key'));
    await registry.add(device('a', 'other')).catch(() => undefined);
    await registry.add(device('b', 'key')).catch(() => undefined);
    await registry.remove('nobody');
    await registry.remove('a');
    unwatch();
    await registry.add(device('c', 'c'));
    expect(heard).toEqual([
      { kind: 'added', device: device('a', 'key') },
      { kind: 'removed', id: 'a' },
    ]);
    await registry.close();
  });
});

describe('a change of a device', () => {
  test('keeps its history, is there after a reopening, and is told', async () => {
    const first = await openHere();
    await first.add(device('a', 'old', 'kept'));
    await first.connected('a', held(1), facts);
    await first.disconnected('a', held(1), facts, end(now, 'gone'));
    const heard: RegistryChange[] = [];
    first.watch((change) => heard.push(change));
    const change = { settings: { user: 'admin' }, labels: { site: null, room: '7' }, description: 'core' };
    const keys = { addKeys: [key('new')], removeKeys: ['SHA256:old'] };
    expect(await first.change('a', { ...change, ...keys })).toBe(true);
    const changed = {
      ...device('a', 'kept', 'new'),
      settings: { user: 'admin' },
      labels: { room: '7' },
      description: 'core',
    };
    expect(heard).toEqual([{ kind: 'changed', device: changed }]);
    await first.close();
    const registry = await openHere();
    expect(await registry.get('a')).toMatchObject({ ...changed, connections: 1, reason: 'gone' });
    const { id, settings, profileSettings } = changed;
    expect(await registry.withHostKey('new')).toEqual({ id, settings, profileSettings });
    expect(await registry.withHostKey('old')).toBeUndefined();
    await registry.close();
  });

  test("that brings another's key changes nothing, and none is made of one that is not there", async () => {
    const registry = await openHere();
    await registry.add(device('a', 'a'));
    await registry.add(device('b', 'b'));
    const heard: RegistryChange[] = [];
    registry.watch((change) => heard.push(change));
    await expect(registry.change('a', { addKeys: [key('new'), key('b')] })).rejects.toMatchObject({
      code: 'CALLHOME_HOST_KEY_TAKEN',
      facts: { device: 'b' },
    });
    await expect(registry.change('a', { removeKeys: ['SHA256:b'] })).rejects.toMatchObject({
      code: 'CALLHOME_HOST_KEY_NOT_ITS',
    });
    expect(await registry.change('c', { addKeys: [key('c')] })).toBe(false);
    expect(await registry.get('a')).toMatchObject(device('a', 'a'));
    expect(await registry.withHostKey('new')).toBeUndefined();
    expect(heard).toEqual([]);
    await registry.close();
  });
});

describe('connections', () => {
  test('are counted, and their facts and their end are kept', async () => {
    const registry = await openHere();
    await registry.add(device('a', 'a'));
    await registry.connected('a', held(1), { ...facts, sessionId: 1 });
    await registry.disconnected(
      'a',
      held(1),
      facts,
      end('2026-03-04T05:01:00.000Z', 'the peer closed the connection'),
    );
    await registry.connected('a', held(2), facts);
    expect(await registry.get('a')).toEqual({
      ...device('a', 'a'),
      hostKeys: [{ ...key('a'), origin: 'added', learnedAt: now, provedAt: facts.connectedAt }],
      ...facts,
      capabilitiesDropped: 0,
      state: 'connected',
      connections: 2,
      disconnectedAt: '2026-03-04T05:01:00.000Z',
      reason: 'the peer closed the connection',
      recentEnds: [{ at: '2026-03-04T05:01:00.000Z', code: 'CALLHOME_STOPPED' }],
    });
    await registry.close();
  });

  test('keep 256 KiB of capabilities, and tell how many more there were', async () => {
    const registry = await openHere();
    await registry.add(device('a', 'a'));
    const capabilities = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(1024, 'ü').slice(0, 512));
    await registry.connected('a', held(1), {
      ...facts,
      capabilities: [...capabilities, 'x'.repeat(300_000)],
    });
    const kept = await registry.get('a');
    expect(kept?.capabilities).toEqual(capabilities.slice(0, kept?.capabilities?.length));
    expect((kept?.capabilities?.length ?? 0) + (kept?.capabilitiesDropped ?? 0)).toBe(301);
    const bytes = Buffer.byteLength(kept?.capabilities?.join('') ?? '');
    expect(bytes).toBeLessThanOrEqual(256 * 1024);
    expect(bytes).toBeGreaterThan(255 * 1024);
    await registry.close();
  });

  test('of a device that is gone leave it gone, and a late end leaves a new device of the same id alone', async () => {
    const registry = await openHere();
    await registry.connected('a', held(2), facts);
    await registry.disconnected('a', held(2), facts, end(facts.connectedAt, 'gone'));
    expect(await all(registry)).toEqual([]);
    await registry.add(device('a', 'a'));
    await registry.disconnected('a', held(2), facts, end(facts.connectedAt, 'the old one'));
    expect(await registry.get('a')).not.toHaveProperty('reason');
    await registry.close();
  });

  test('that failed are kept until one succeeds, and those of a device that is gone are not', async () => {
    const registry = await openHere();
    const call = {
      at: '2026-03-04T05:00:00.000Z',
      remoteAddress: '192.0.2.1 port 5',
      code: 'CALLHOME_HELLO',
      reason: 'no',
    };
    await registry.callFailed('a', call);
    await registry.add(device('a', 'a'));
    await registry.callFailed('a', { ...call, reason: 'the first' });
    await registry.callFailed('a', call);
    expect((await registry.get('a'))?.lastAttempt).toEqual(call);
    await registry.connected('a', held(2), facts);
    expect(await registry.get('a')).not.toHaveProperty('lastAttempt');
    await registry.close();
  });

  test('of an owner whose life is over are over, and those of others stay', async () => {
    const first = await openHere();
    for (const id of ['a', 'b', 'c']) await first.add(device(id, id));
    await first.connected('a', held(2), facts);
    await first.connected('b', held(2, 'another'), facts);
    await first.close();
    const registry = await openHere();
    await registry.release('collector', end(now, 'the collector stopped'));
    expect(await registry.get('a')).toMatchObject({
      ...facts,
      state: 'disconnected',
      connections: 1,
      disconnectedAt: now,
      reason: 'the collector stopped',
    });
    expect(await registry.get('b')).toMatchObject({ state: 'connected' });
    expect(await registry.get('c')).not.toHaveProperty('reason');
    await registry.close();
  });

  test('that are late do not end the one that came after, whoever has it', async () => {
    const registry = await openHere();
    await registry.add(device('a', 'a'));
    const heard: RegistryChange[] = [];
    registry.watch((change) => heard.push(change));
    await registry.connected('a', held(1), facts);
    await registry.connected('a', held(2), facts);
    await registry.disconnected('a', held(1), facts, end(now, 'replaced'));
    expect(await registry.get('a')).toMatchObject({ state: 'connected', connections: 2 });
    // The same number, of another owner.
    await registry.connected('a', held(2, 'another'), { ...facts, remoteAddress: '192.0.2.2 port 7' });
    await registry.disconnected('a', held(2), facts, end(now, 'late'));
    await registry.release('collector', end(now, 'late'));
    expect(await registry.get('a')).toMatchObject({ state: 'connected', connections: 3 });
    expect(heard.at(-1)).toEqual({
      kind: 'held',
      id: 'a',
      holder: held(2, 'another'),
      remoteAddress: '192.0.2.2 port 7',
    });
    await registry.disconnected('a', held(2, 'another'), facts, end(now, 'its own'));
    expect(await registry.get('a')).toMatchObject({ state: 'disconnected', reason: 'its own' });
    await registry.close();
  });
});

test('a list without capabilities has all else', async () => {
  const registry = await openHere();
  await registry.add(device('a', 'a'));
  await registry.add(device('b', 'b'));
  await registry.connected('a', held(1), facts);
  const { capabilities, ...rest } = (await registry.get('a')) ?? {};
  expect(capabilities).toEqual(facts.capabilities);
  const listed = [];
  for await (const record of registry.list({ capabilities: false })) listed.push(record);
  expect(listed).toEqual([rest, await registry.get('b')]);
  await registry.close();
});

test('a list lets others have their turn, and has what does not change meanwhile', async () => {
  const registry = await openHere();
  for (let i = 0; i < 120; i++) await registry.add(device(`device-${1000 + i}`, `key-${i}`));
  let turns = 0;
  let counting = setImmediate(function count() {
    turns++;
    counting = setImmediate(count);
  });
  const ids: string[] = [];
  for await (const { id } of registry.list()) {
    ids.push(id);
    if (ids.length === 10) await registry.remove('device-1119');
  }
  clearImmediate(counting);
  expect(turns).toBeGreaterThan(0);
  expect(ids).toEqual(Array.from({ length: 119 }, (_, i) => `device-${1000 + i}`));
  expect(await registry.count()).toBe(119);
  await registry.close();
});

describe('the file', () => {
  test('and those beside it are for their owner alone, whatever their mode was', async () => {
    await (await openHere()).close();
    await chmod(join(folder, 'registry.db'), 0o644);
    const registry = await openHere();
    await registry.add(device('a', 'a'));
    const files = await readdir(folder);
    expect(files).toHaveLength(3);
    for (const file of files) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    await registry.close();
  });

  const unusable = { code: 'CALLHOME_STATE_UNUSABLE' };
  const file = () => join(folder, 'registry.db');

  test('that is no database is refused', async () => {
    await writeFile(file(), 'no database'.repeat(1000));
    await expect(openHere()).rejects.toMatchObject(unusable);
  });

  test('that is a folder, or has no folder, is refused', async () => {
    await mkdir(file());
    await expect(openHere()).rejects.toMatchObject(unusable);
    await expect(openEmbeddedRegistry(join(folder, 'none'))).rejects.toMatchObject(unusable);
  });

  /** Writes into the closed file; SQLite has no checksums that would notice. */
  async function patch(bytes: Buffer, position: number): Promise<void> {
    const handle = await open(file(), 'r+');
    await handle.write(bytes, 0, bytes.length, position);
    await handle.close();
  }

  test('of a later version is refused', async () => {
    await (await openHere()).close();
    // The user version in the header of an SQLite file.
    await patch(Buffer.from([0, 0, 0, 99]), 60);
    await expect(openHere()).rejects.toMatchObject(unusable);
  });

  test.each([0, 99])(
    'of another program, with the application id %d, is refused and left as it is',
    async (id) => {
      await (await openHere()).close();
      await patch(Buffer.from([0, 0, 0, id]), 68);
      // Not in WAL mode.
      await patch(Buffer.from([1, 1]), 18);
      await chmod(file(), 0o644);
      const before = await readFile(file());
      await expect(openHere()).rejects.toMatchObject({
        ...unusable,
        message: expect.stringContaining('another program'),
      });
      expect(await readFile(file())).toEqual(before);
      expect((await stat(file())).mode & 0o777).toBe(0o644);
      expect(await readdir(folder)).toEqual(['registry.db']);
    },
  );

  test('of the first version is brought to this one, with all that is in it', async () => {
    await writeFile(file(), gunzipSync(await readFile(new URL('version-1.db.gz', import.meta.url))));
    const key = (name: string) => ({
      type: 'ssh-ed25519',
      blob: `key-${name}`,
      fingerprint: `SHA256:${name}`,
      origin: 'added',
    });
    const expected = [
      {
        id: 'router1',
        settings: { user: 'netconf' },
        profileSettings: {},
        labels: { site: 'berlin' },
        hostKeys: [key('1a'), key('1b')],
        state: 'disconnected',
        connections: 1,
        transport: 'ssh',
        remoteAddress: '192.0.2.1 port 4000',
        hostKey: 'SHA256:1a',
        sessionId: 7,
        capabilities: ['urn:ietf:params:netconf:base:1.1'],
        capabilitiesDropped: 0,
        connectedAt: '2026-01-01T00:00:01.000Z',
        disconnectedAt: '2026-01-01T00:01:00.000Z',
        reason: 'the peer closed the connection',
      },
      {
        id: 'router2',
        settings: { user: 'callhome' },
        profileSettings: {},
        labels: {},
        hostKeys: [key('2')],
        state: 'disconnected',
        connections: 0,
      },
    ];
    for (const _opening of ['the first', 'the second']) {
      const registry = await openHere();
      expect(await all(registry)).toEqual(expected);
      await registry.close();
    }
    const registry = await openHere();
    await registry.add({ id: 'router3', hostKeys: [key('3')], labels: {} });
    expect((await registry.get('router3'))?.settings).toEqual({});
    await registry.remove('router1');
    await registry.add({ id: 'router4', hostKeys: [key('1b')], labels: {} });
    await registry.close();
  });

  test('of the second version, of a collector that was killed, keeps what was connected for its owner', async () => {
    await writeFile(file(), gunzipSync(await readFile(new URL('version-2.db.gz', import.meta.url))));
    const registry = await openHere();
    expect(await all(registry)).toMatchObject([
      {
        id: 'router1',
        settings: { user: 'netconf' },
        labels: { site: 'berlin' },
        hostKeys: [{ blob: 'key-1a' }, { blob: 'key-1b' }],
        state: 'disconnected',
        connections: 1,
        reason: 'the peer closed the connection',
        lastAttempt: { code: 'CALLHOME_HELLO', reason: 'no hello' },
      },
      { id: 'router2', state: 'connected', sessionId: 2 },
      { id: 'router3', state: 'disconnected', connections: 0 },
    ]);
    await registry.release('collector', end(now, 'the collector stopped'));
    expect(await registry.get('router2')).toMatchObject({ state: 'disconnected', disconnectedAt: now });
    await registry.connected('router3', held(1), facts);
    expect(await registry.get('router3')).toMatchObject({ state: 'connected', connections: 1 });
    await registry.close();
  });

  test('with a damaged page, whichever, is refused', async () => {
    const first = await openHere();
    for (let i = 0; i < 100; i++) await first.add(device(`device-${i}`, `key-${i}`));
    await first.close();
    const whole = await readFile(file());
    for (let position = 0; position < whole.length; position += 4096) {
      await writeFile(file(), whole);
      await patch(Buffer.alloc(4096, 0xff), position);
      await expect(openHere()).rejects.toMatchObject(unusable);
    }
  });

  test('with a row that is not ours makes the answer an error, not a wrong one', async () => {
    const first = await openHere();
    await first.add(device('a', 'a'));
    await first.close();
    const position = (await readFile(file())).indexOf('{"site":"berlin"}');
    await patch(Buffer.from('{"site":12345678}'), position);
    const registry = await openHere();
    await expect(registry.get('a')).rejects.toMatchObject(unusable);
    await expect(all(registry)).rejects.toMatchObject(unusable);
    await registry.close();
  });
});

test('a collector that is killed while it writes loses nothing that it was told is kept', async () => {
  const writer = fileURLToPath(new URL('writer.mjs', import.meta.url));
  for (let round = 1; round <= 3; round++) {
    const state = join(folder, String(round));
    await mkdir(state);
    const child = spawn(process.execPath, [writer, state], { stdio: ['ignore', 'pipe', 'inherit'] });
    let last = -1;
    for await (const line of createInterface(child.stdout)) {
      last = Number(line);
      if (last >= 40 * round) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    const registry = await openEmbeddedRegistry(state);
    await registry.release('collector', end(now, 'the collector stopped'));
    const kept = await all(registry);
    // Told of: `last` added, the one before it removed. The one after it may have come as far as any step.
    const ids = kept.map(({ id }) => id);
    expect([
      [`device-${last}`],
      [`device-${last}`, `device-${last + 1}`],
      [`device-${last + 1}`],
    ]).toContainEqual(ids.toSorted((a, b) => Number(a.slice(7)) - Number(b.slice(7))));
    for (const record of kept) {
      expect(record.hostKeys).toHaveLength(3);
      expect(record.state).toBe('disconnected');
    }
    if (ids.includes(`device-${last}`)) {
      expect(await registry.get(`device-${last}`)).toMatchObject({
        connections: 1,
        reason: 'the collector stopped',
      });
    }
    await registry.close();
  }
});

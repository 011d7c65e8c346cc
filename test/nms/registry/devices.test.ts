import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { DeviceDefinition, RegistryChange } from '@callhome/nms/registry/registry.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { all, device, end, facts, held, key, now } from './sample.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-registry-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const openHere = () => openEmbeddedRegistry(folder, { now: () => now });

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

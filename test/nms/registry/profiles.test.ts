import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { Registry, RegistryChange } from '@callhome/nms/registry/registry.js';
import { settled } from '@callhome/nms/registry/settings.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder = '';
let registry: Registry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-registry-'));
  registry = await openEmbeddedRegistry(folder);
});
afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

const key = (blob: string) => ({ type: 'ssh-ed25519', blob, fingerprint: `SHA256:${blob}` });

const device = (id: string, profile?: string) => ({ id, hostKeys: [key(id)], labels: {}, profile });

describe('a profile', () => {
  test('is added, changed, listed with how many devices have it, and removed', async () => {
    const { profiles } = registry;
    await profiles.add('core', { user: 'netconf', keepaliveMaxWaitSeconds: 10 });
    await profiles.add('access', {});
    expect(await profiles.change('core', { user: null, maxSessions: 2 })).toBe(true);
    await registry.add(device('a', 'core'));
    await registry.add(device('b', 'core'));
    await registry.add(device('c'));
    const core = { name: 'core', settings: { keepaliveMaxWaitSeconds: 10, maxSessions: 2 }, devices: 2 };
    expect(await profiles.list()).toEqual([{ name: 'access', settings: {}, devices: 0 }, core]);
    await registry.close();
    registry = await openEmbeddedRegistry(folder);
    expect(await registry.profiles.get('core')).toEqual(core);
    expect(await registry.profiles.remove('access')).toBe(true);
    expect(await registry.profiles.remove('access')).toBe(false);
    expect(await registry.profiles.get('access')).toBeUndefined();
    expect(await registry.profiles.change('access', { user: 'x' })).toBe(false);
  });

  test('that is there already is left as it is', async () => {
    await registry.profiles.add('core', { user: 'netconf' });
    await expect(registry.profiles.add('core', {})).rejects.toMatchObject({
      code: 'CALLHOME_PROFILE_EXISTS',
      facts: { profile: 'core' },
    });
    expect(await registry.profiles.get('core')).toMatchObject({ settings: { user: 'netconf' } });
  });

  test('that devices have is not removed until they have another', async () => {
    await registry.profiles.add('core', {});
    await registry.add(device('a', 'core'));
    await expect(registry.profiles.remove('core')).rejects.toMatchObject({
      code: 'CALLHOME_PROFILE_IN_USE',
      facts: { profile: 'core', devices: 1 },
    });
    await registry.change('a', { profile: null });
    expect(await registry.profiles.remove('core')).toBe(true);
  });

  test("that is unknown is no device's, and nothing else of the change is made", async () => {
    const unknown = { code: 'CALLHOME_PROFILE_UNKNOWN', facts: { profile: 'nope' } };
    await expect(registry.add(device('a', 'nope'))).rejects.toMatchObject(unknown);
    expect(await registry.count()).toBe(0);
    await registry.add(device('a'));
    const change = { profile: 'nope', description: 'changed', labels: { x: 'y' } };
    await expect(registry.change('a', change)).rejects.toMatchObject(unknown);
    expect(await registry.get('a')).toMatchObject({ labels: {} });
    expect(await registry.get('a')).not.toHaveProperty('description');
  });

  test('that is `default` is that of devices which have none', async () => {
    await registry.profiles.add('core', {});
    await registry.add(device('a', 'default'));
    expect(await registry.get('a')).not.toHaveProperty('profile');
    await registry.change('a', { profile: 'core' });
    expect(await registry.get('a')).toMatchObject({ profile: 'core' });
    await registry.change('a', { profile: 'default' });
    expect(await registry.get('a')).not.toHaveProperty('profile');
  });

  test('changes for all of its devices, and each keeps what it says itself', async () => {
    await registry.profiles.add('core', { user: 'one', maxSessions: 1 });
    await registry.add({ ...device('a', 'core'), settings: { maxSessions: 5 } });
    await registry.profiles.change('core', { user: 'two', maxSessions: 2 });
    const changed = await registry.withHostKey('a');
    expect(settled(changed?.profileSettings ?? {}, changed?.settings ?? {})).toEqual({
      user: 'two',
      maxSessions: 5,
    });
  });
});

describe('a device that is changed', () => {
  test('has as many labels and host keys as it may have, and no change brings more', async () => {
    await registry.add(device('a'));
    const labels = (from: number, to: number) =>
      Object.fromEntries(Array.from({ length: to - from }, (_, index) => [`l${from + index}`, '']));
    await registry.change('a', { labels: labels(0, 64) });
    await expect(registry.change('a', { labels: labels(64, 65) })).rejects.toMatchObject({
      code: 'CALLHOME_DEVICE_FULL',
      facts: { device: 'a', what: 'labels', most: 64 },
    });
    await registry.change('a', { labels: { ...labels(64, 65), l0: null } });
    const keys = Array.from({ length: 15 }, (_, index) => key(`a${index}`));
    await registry.change('a', { addKeys: keys });
    await expect(registry.change('a', { addKeys: [key('more')] })).rejects.toMatchObject({
      code: 'CALLHOME_DEVICE_FULL',
      facts: { what: 'host keys', most: 16 },
    });
    await registry.change('a', { addKeys: [key('more')], removeKeys: ['SHA256:a'] });
    expect((await registry.get('a'))?.hostKeys).toHaveLength(16);
  });

  test('may have had more keys from the start, and is changed all the same', async () => {
    const hostKeys = Array.from({ length: 20 }, (_, index) => key(`a${index}`));
    await registry.add({ id: 'a', hostKeys, labels: {} });
    expect(await registry.change('a', { description: 'x', removeKeys: ['SHA256:a0'] })).toBe(true);
    await expect(registry.change('a', { addKeys: [key('more')] })).rejects.toMatchObject({
      code: 'CALLHOME_DEVICE_FULL',
    });
  });

  test('gets no more host keys by an approval either', async () => {
    const hostKeys = Array.from({ length: 16 }, (_, index) => key(`a${index}`));
    await registry.add({ id: 'a', hostKeys, labels: {} });
    const call = { at: '2026-01-01T00:00:00.000Z', source: 's', listener: 'l', remoteAddress: 'r', said: '' };
    await registry.pending.seen(key('new'), call);
    await expect(registry.approve('SHA256:new', { id: 'a', labels: {} })).rejects.toMatchObject({
      code: 'CALLHOME_DEVICE_FULL',
    });
    expect(await registry.pending.get('SHA256:new')).toMatchObject({ state: 'pending' });
    await registry.change('a', { removeKeys: ['SHA256:a0'] });
    await registry.approve('SHA256:new', { id: 'a', labels: {} });
    expect(await registry.withHostKey('new')).toMatchObject({ id: 'a' });
  });
});

describe('a device that is renamed', () => {
  const facts = {
    transport: 'ssh' as const,
    remoteAddress: '192.0.2.1 port 4000',
    hostKey: 'SHA256:a',
    sessionId: 1,
    capabilities: ['urn:ietf:params:netconf:base:1.1'],
    connectedAt: '2026-01-01T00:00:00.000Z',
  };
  const holder = { owner: 'collector', connection: 1 };

  test('keeps its keys, labels, settings, profile, description and past connections', async () => {
    await registry.profiles.add('core', {});
    const said = { labels: { site: 'x' }, settings: { user: 'u' }, description: 'rack 7' };
    await registry.add({ ...device('a', 'core'), ...said });
    await registry.connected('a', holder, facts);
    const end = { at: '2026-01-02T00:00:00.000Z', code: 'CALLHOME_STOPPED', reason: 'stopped' };
    await registry.disconnected('a', holder, facts, end);
    const before = await registry.get('a');
    const heard: RegistryChange[] = [];
    registry.watch((change) => heard.push(change));
    expect(await registry.rename('a', 'b')).toBe(true);
    expect(heard).toEqual([{ kind: 'renamed', id: 'a', to: 'b' }]);
    expect(await registry.get('b')).toEqual({ ...before, id: 'b' });
    expect(await registry.get('a')).toBeUndefined();
    expect(await registry.withHostKey('a')).toMatchObject({ id: 'b' });
    expect(await registry.past.list('b', 10)).toMatchObject([end]);
    await registry.add({ ...device('a'), hostKeys: [] });
    expect(await registry.past.list('a', 10)).toEqual([]);
  });

  test('while it is connected is disconnected, and that connection is past', async () => {
    await registry.add(device('a'));
    await registry.connected('a', holder, facts);
    await registry.rename('a', 'b');
    const reason = 'the device was renamed';
    expect(await registry.get('b')).toMatchObject({ state: 'disconnected', connections: 1, reason });
    expect(await registry.past.list('b', 10)).toMatchObject([{ connectedAt: facts.connectedAt, reason }]);
    // The end of that connection is told late, under the id that it had.
    const end = { at: '2026-01-02T00:00:00.000Z', code: 'CALLHOME_STOPPED', reason: 'late' };
    await registry.disconnected('a', holder, facts, end);
    expect(await registry.past.list('b', 10)).toHaveLength(1);
  });

  test('to an id that is taken stays as it is', async () => {
    await registry.add(device('a'));
    await registry.add(device('b'));
    await registry.connected('a', holder, facts);
    const before = await registry.get('a');
    await expect(registry.rename('a', 'b')).rejects.toMatchObject({
      code: 'CALLHOME_DEVICE_EXISTS',
      facts: { device: 'b' },
    });
    expect(await registry.get('a')).toEqual(before);
    expect(await registry.past.list('a', 10)).toEqual([]);
    expect(await registry.rename('c', 'd')).toBe(false);
    expect(await registry.rename('a', 'a')).toBe(true);
    expect(await registry.get('a')).toEqual(before);
  });
});

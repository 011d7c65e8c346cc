import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { PendingKey, StrangersCall } from '@callhome/nms/registry/pending-keys.js';
import type { Registry, RegistryChange } from '@callhome/nms/registry/registry.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder = '';
let registry: Registry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-pending-'));
  registry = await openEmbeddedRegistry(folder);
  clock = 0;
});
afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

const key = (name: string) => ({
  type: 'ssh-ed25519',
  blob: `blob-${name}`,
  fingerprint: `SHA256:${name}`,
});

/** Seconds. Each call is a second after the one before. */
let clock = 0;

function callFrom(source: string): StrangersCall {
  clock += 1;
  const at = new Date(clock * 1000).toISOString();
  return { at, source, remoteAddress: `${source} port 1`, listener: 'call-home', said: 'SSH-2.0-x' };
}

const seen = (name: string, source: string) => registry.pending.seen(key(name), callFrom(source));

async function all(): Promise<PendingKey[]> {
  const keys: PendingKey[] = [];
  for await (const pending of registry.pending.list()) keys.push(pending);
  return keys;
}

const names = async () => (await all()).map(({ blob }) => blob.replace('blob-', ''));

/** As many keys as there may be, each of a source of its own. */
async function fill(count = 10_000): Promise<void> {
  for (let i = 0; i < count; i++) await seen(`other-${i}`, `source-${i}`);
}

describe('a key that waits for a word', () => {
  test('has its calls counted, with the last two, and what it said last', async () => {
    await seen('a', '192.0.2.1');
    expect(await all()).toEqual([
      {
        ...key('a'),
        state: 'pending',
        firstSeen: '1970-01-01T00:00:01.000Z',
        lastSeen: '1970-01-01T00:00:01.000Z',
        lastCalls: ['1970-01-01T00:00:01.000Z'],
        calls: 1,
        remoteAddress: '192.0.2.1 port 1',
        listener: 'call-home',
        said: 'SSH-2.0-x',
      },
    ]);
    await seen('a', '192.0.2.1');
    await registry.pending.seen(key('a'), { ...callFrom('192.0.2.2'), said: 'another' });
    expect(await registry.pending.get('SHA256:a')).toMatchObject({
      firstSeen: '1970-01-01T00:00:01.000Z',
      lastSeen: '1970-01-01T00:00:03.000Z',
      lastCalls: [1, 2, 3].map((second) => `1970-01-01T00:00:0${second}.000Z`),
      calls: 3,
      remoteAddress: '192.0.2.2 port 1',
      said: 'another',
    });
    for (let i = 4; i <= 30; i++) await seen('a', '192.0.2.1');
    const { lastCalls, calls } = (await registry.pending.get('SHA256:a')) ?? {};
    expect({ calls, kept: lastCalls?.length, last: lastCalls?.at(-1) }).toEqual({
      calls: 30,
      kept: 10,
      last: '1970-01-01T00:00:30.000Z',
    });
  });

  test('is listed where it was seen last, page by page, and is there after a reopening', async () => {
    for (let i = 0; i < 120; i++) await seen(`k${i}`, 's');
    await seen('k7', 's');
    await registry.close();
    registry = await openEmbeddedRegistry(folder);
    const listed = await names();
    expect(listed).toHaveLength(120);
    expect(listed.slice(0, 3)).toEqual(['k7', 'k119', 'k118']);
  });

  test('is found by the beginning of its fingerprint, where no other one begins so', async () => {
    await seen('abc/+1', 's');
    await seen('abc/+2', 's');
    expect(await registry.pending.find('SHA256:abc/+2')).toMatchObject({ blob: 'blob-abc/+2' });
    await expect(registry.pending.find('SHA256:abc/')).rejects.toMatchObject({
      code: 'CALLHOME_FINGERPRINT_AMBIGUOUS',
    });
    await expect(registry.pending.find('SHA256:abd')).rejects.toMatchObject({
      code: 'CALLHOME_KEY_NOT_PENDING',
      message: expect.stringContaining('callhome-nms pending'),
    });
  });

  test('is forgotten as if it had never called', async () => {
    await seen('a', 's');
    await seen('a', 's');
    expect(await registry.pending.forget('SHA256:a')).toBe(true);
    expect(await registry.pending.forget('SHA256:a')).toBe(false);
    await seen('a', 's');
    expect(await all()).toMatchObject([{ calls: 1, firstSeen: '1970-01-01T00:00:03.000Z' }]);
  });

  test('that was rejected stays so while it calls on, until it is forgotten', async () => {
    await seen('a', 's');
    expect(await registry.pending.reject('SHA256:a')).toBe(true);
    expect(await registry.pending.reject('SHA256:b')).toBe(false);
    await seen('a', 's');
    expect(await all()).toMatchObject([{ state: 'rejected', calls: 2 }]);
    await registry.pending.forget('SHA256:a');
    await seen('a', 's');
    expect(await all()).toMatchObject([{ state: 'pending', calls: 1 }]);
  });
});

describe('where there are too many keys', () => {
  test('of one source, its oldest give way, and nobody else', async () => {
    await seen('mine', 'quiet');
    for (let i = 0; i < 1500; i++) await seen(`noise-${i}`, 'noisy');
    const listed = await names();
    expect(listed).toHaveLength(1001);
    expect(listed).toContain('mine');
    expect(listed).toContain('noise-500');
    expect(listed).not.toContain('noise-499');
  });

  test('in all, the oldest of the source that has most gives way', async () => {
    await fill(9000);
    for (let i = 0; i < 1000; i++) await seen(`noise-${i}`, 'noisy');
    for (let i = 0; i < 300; i++) await seen(`new-${i}`, `newcomer-${i}`);
    const listed = new Set(await names());
    expect(listed.size).toBe(10_000);
    for (let i = 0; i < 1000; i++) expect(listed.has(`noise-${i}`)).toBe(i >= 300);
    for (let i = 0; i < 300; i++) expect(listed.has(`new-${i}`)).toBe(true);
    expect(listed.has('other-0')).toBe(true);
  }, 30_000);

  test('of as many sources, that which has been silent longest gives way, and not one that keeps calling', async () => {
    await fill();
    await seen('other-0', 'source-0');
    await seen('new-1', 'newcomer-1');
    await seen('new-2', 'newcomer-2');
    const listed = new Set(await names());
    expect(listed.size).toBe(10_000);
    for (const [name, there] of [
      ['other-0', true],
      ['other-1', false],
      ['other-2', false],
      ['other-3', true],
      ['new-1', true],
      ['new-2', true],
    ] as const)
      expect([name, listed.has(name)]).toEqual([name, there]);
  }, 30_000);

  test('those that were rejected stay, and take no room', async () => {
    for (let i = 0; i < 3; i++) {
      await seen(`bad-${i}`, 'noisy');
      await registry.pending.reject(`SHA256:bad-${i}`);
    }
    for (let i = 0; i < 1001; i++) await seen(`noise-${i}`, 'noisy');
    const listed = await names();
    expect(listed).toHaveLength(1003);
    expect(listed).toEqual(expect.arrayContaining(['bad-0', 'bad-1', 'bad-2', 'noise-1']));
  });

  test('a key that calls from elsewhere counts there, and moves nobody out of the whole', async () => {
    for (let i = 0; i < 1000; i++) await seen(`full-${i}`, 'full');
    await seen('traveller', 'home');
    await seen('traveller', 'full');
    const listed = await names();
    expect(listed).toHaveLength(1000);
    expect(listed).toContain('traveller');
    expect(listed).not.toContain('full-0');
    await seen('traveller', 'home');
    await seen('one-more', 'full');
    expect(await names()).toHaveLength(1001);
  });

  test('what was taken out by an operator makes room again', async () => {
    for (let i = 0; i < 1000; i++) await seen(`k${1000 + i}`, 's');
    await registry.pending.forget('SHA256:k1005');
    await registry.pending.reject('SHA256:k1006');
    await registry.approve('SHA256:k1007', { id: 'router1', labels: {} });
    await registry.add({ id: 'router2', hostKeys: [key('k1008')], labels: {} });
    for (let i = 0; i < 4; i++) await seen(`more-${i}`, 's');
    expect(await names()).toContain('k1000');
    await seen('last', 's');
    expect(await names()).not.toContain('k1000');
  });
});

describe('an approved key', () => {
  test("is a new device's, leaves the list, and is told", async () => {
    await registry.profiles.add('edge', { user: 'netconf' });
    await seen('a', 's');
    const heard: RegistryChange[] = [];
    registry.watch((change) => heard.push(change));
    const device = { id: 'router1', labels: { site: 'berlin' }, profile: 'edge', description: 'core' };
    await registry.approve('SHA256:a', { ...device, settings: { maxSessions: 2 } });
    expect(await all()).toEqual([]);
    expect(await registry.withHostKey('blob-a')).toMatchObject({ id: 'router1' });
    expect(await registry.get('router1')).toMatchObject({
      ...device,
      settings: { maxSessions: 2 },
      profileSettings: { user: 'netconf' },
      hostKeys: [{ ...key('a'), origin: 'approved' }],
    });
    expect(heard).toMatchObject([{ kind: 'added', device }]);
  });

  test('is a known device’s in addition, and what is said changes that', async () => {
    await registry.profiles.add('edge', {});
    const labels = { site: 'berlin', room: '7' };
    await registry.add({ id: 'router1', hostKeys: [key('old')], labels, profile: 'edge' });
    await seen('a', 's');
    await registry.approve('SHA256:a', { id: 'router1', labels: { room: '8' }, profile: 'default' });
    const device = await registry.get('router1');
    expect(device).toMatchObject({
      labels: { site: 'berlin', room: '8' },
      hostKeys: [
        { blob: 'blob-old', origin: 'added' },
        { blob: 'blob-a', origin: 'approved' },
      ],
    });
    expect(device).not.toHaveProperty('profile');
  });

  test('is approved once, however many operators do it at once, and the others are told whose it is', async () => {
    await seen('a', 's');
    const approve = (id: string) => registry.approve('SHA256:a', { id, labels: {} });
    const [first, ...others] = await Promise.allSettled([approve('one'), approve('two'), approve('one')]);
    expect(first?.status).toBe('fulfilled');
    for (const other of others)
      expect(other).toMatchObject({
        reason: { code: 'CALLHOME_KEY_NOT_PENDING', message: expect.stringContaining('device "one"') },
      });
    expect(await registry.get('two')).toBeUndefined();
    expect((await registry.get('one'))?.hostKeys).toHaveLength(1);
  });

  test('may have been rejected before', async () => {
    await seen('a', 's');
    await registry.pending.reject('SHA256:a');
    await registry.approve('SHA256:a', { id: 'router1', labels: {} });
    expect(await registry.get('router1')).toMatchObject({ hostKeys: [{ blob: 'blob-a' }] });
  });

  test('stays in the list where the profile is not known, and there is no device then', async () => {
    await seen('a', 's');
    const device = { id: 'router1', labels: {}, profile: 'none' };
    await expect(registry.approve('SHA256:a', device)).rejects.toMatchObject({
      code: 'CALLHOME_PROFILE_UNKNOWN',
    });
    expect(await names()).toEqual(['a']);
    expect(await registry.get('router1')).toBeUndefined();
  });

  test('that became a device’s before its call is written does not wait for a word', async () => {
    await registry.add({ id: 'router1', hostKeys: [key('a')], labels: {} });
    await seen('a', 's');
    expect(await all()).toEqual([]);
  });
});

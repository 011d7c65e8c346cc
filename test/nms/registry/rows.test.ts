import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { Registry, RegistryChange } from '@callhome/nms/registry/registry.js';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder = '';
let registry: Registry;
let told: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-rows-'));
  registry = await openEmbeddedRegistry(folder);
  told = [];
  registry.watch((change: RegistryChange) =>
    told.push(`${change.kind} ${'device' in change ? change.device.id : change.id}`),
  );
});
afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

const key = (blob: string) => ({ type: 'ssh-ed25519', blob, fingerprint: `SHA256:${blob}` });

const keysOf = async (id: string) => (await registry.get(id))?.hostKeys.map(({ blob }) => blob);

test('rows add devices and change those that are there to what they say; a second time they change nothing', async () => {
  await registry.profiles.add('core', {});
  await registry.add({
    id: 'old',
    hostKeys: [key('a'), key('b')],
    labels: { site: 'berlin', rack: '1' },
    settings: { user: 'x', maxSessions: 2 },
    profile: 'core',
  });
  await registry.add({ id: 'same', hostKeys: [key('s')], labels: {}, description: 'rack 7' });
  told = [];
  const rows = [
    {
      id: 'new',
      hostKeys: [key('n')],
      profile: 'core',
      labels: { site: 'bonn', rack: null },
      description: 'x',
    },
    {
      id: 'old',
      hostKeys: [key('b'), key('c')],
      profile: 'default',
      labels: { site: 'bonn', rack: null },
      settings: { user: null, replyTimeoutSeconds: 5 },
    },
    { id: 'same', hostKeys: [], description: 'rack 7', settings: { user: null } },
    { id: 'bare', hostKeys: [] },
  ];
  const kinds = async () => (await registry.bring(rows)).map(({ kind }) => kind);
  expect(await kinds()).toEqual(['added', 'changed', 'unchanged', 'added']);
  expect(told).toEqual(['added new', 'changed old', 'added bare']);
  expect(await keysOf('old')).toEqual(['b', 'c']);
  expect(await keysOf('same')).toEqual(['s']);
  expect(await registry.get('new')).toMatchObject({
    profile: 'core',
    description: 'x',
    labels: { site: 'bonn' },
  });
  const old = await registry.get('old');
  expect(old).toMatchObject({
    labels: { site: 'bonn' },
    settings: { maxSessions: 2, replyTimeoutSeconds: 5 },
  });
  expect(old).not.toHaveProperty('profile');
  expect(Object.keys(old?.labels ?? {})).toEqual(['site']);
  told = [];
  expect(await kinds()).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged']);
  expect(told).toEqual([]);
});

test('a row that fails leaves nothing of itself, and the others of its batch be', async () => {
  await registry.add({ id: 'owner', hostKeys: [key('taken')], labels: {} });
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, 'x']));
  const outcomes = await registry.bring([
    { id: 'a', hostKeys: [key('1')] },
    { id: 'thief', hostKeys: [key('2'), key('taken')] },
    { id: 'b', hostKeys: [], profile: 'nope' },
    { id: 'full', hostKeys: [], labels: many },
    { id: 'owner', hostKeys: [key('1')], labels: { x: 'y' } },
    { id: 'c', hostKeys: [key('2')] },
  ]);
  expect(outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : outcome.kind))).toEqual([
    'added',
    'CALLHOME_HOST_KEY_TAKEN',
    'CALLHOME_PROFILE_UNKNOWN',
    'CALLHOME_DEVICE_FULL',
    'CALLHOME_HOST_KEY_TAKEN',
    'added',
  ]);
  expect(told.slice(1)).toEqual(['added a', 'added c']);
  expect(await registry.count()).toBe(3);
  expect(await keysOf('c')).toEqual(['2']);
  expect(await registry.get('owner')).toMatchObject({ labels: {}, hostKeys: [{ blob: 'taken' }] });
});

test('a collector that is killed while it imports has all rows that it was told of, and each batch whole', async () => {
  const importer = fileURLToPath(new URL('importer.mjs', import.meta.url));
  const child = spawn(process.execPath, [importer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let batches = 0;
  for await (const line of createInterface(child.stdout)) {
    batches = Number(line);
    if (batches >= 5) child.kill('SIGKILL');
  }
  await exit;
  expect(child.signalCode).toBe('SIGKILL');
  const count = await registry.count();
  expect([batches * 50, (batches + 1) * 50]).toContain(count);
  for await (const device of registry.list()) expect(device.hostKeys).toHaveLength(1);
});

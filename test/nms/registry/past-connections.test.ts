import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { Registry } from '@callhome/nms/registry/registry.js';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder = '';
let registry: Registry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-past-'));
  registry = await openEmbeddedRegistry(folder, { retention: { days: 30, connections: 3 } });
  for (const id of ['a', 'b']) await registry.add({ id, hostKeys: [], labels: {} });
});
afterEach(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

const day = (number: number) => new Date(Date.UTC(2026, 0, number)).toISOString();
const never = new AbortController().signal;
let connection = 0;

/** A connection that has ended on that day. */
async function connected(id: string, on: number): Promise<void> {
  connection += 1;
  const holder = { owner: 'collector', connection };
  const facts = {
    transport: 'ssh' as const,
    remoteAddress: `192.0.2.1 port ${on}`,
    hostKey: 'SHA256:a',
    sessionId: 1,
    capabilities: ['urn:x'],
    connectedAt: day(on - 1),
  };
  await registry.connected(id, holder, facts);
  const bytes = { received: on, sent: 2 * on };
  await registry.disconnected(id, holder, facts, { at: day(on), code: 'CODE', reason: 'gone', bytes });
}

const kept = async (id: string) => (await registry.past.list(id, 10)).map(({ at }) => at);

test('a connection is kept with all that is known of it, of each device the last ones', async () => {
  for (const on of [1, 2, 3, 4]) await connected('a', on);
  await connected('b', 1);
  expect(await kept('a')).toEqual([day(4), day(3), day(2)]);
  expect(await kept('b')).toEqual([day(1)]);
  expect((await registry.past.list('a', 1))[0]).toEqual({
    connectedAt: day(3),
    at: day(4),
    remoteAddress: '192.0.2.1 port 4',
    hostKey: 'SHA256:a',
    code: 'CODE',
    reason: 'gone',
    bytes: { received: 4, sent: 8 },
  });
  expect((await registry.get('a'))?.recentEnds?.map(({ at }) => at)).toEqual([day(4), day(3), day(2)]);
});

test('those that are too old are forgotten, of all devices', async () => {
  for (const on of [1, 2, 20]) await connected('a', on);
  await connected('b', 1);
  await registry.past.prune(day(32), never);
  expect(await kept('a')).toEqual([day(20), day(2)]);
  expect(await kept('b')).toEqual([]);
});

test('many are forgotten some at a time, others have their turn meanwhile, and it can be ended', async () => {
  for (let n = 0; n < 400; n += 1) {
    await registry.add({ id: `d${n}`, hostKeys: [], labels: {} });
    for (const on of [1, 2, 3]) await connected(`d${n}`, on);
  }
  const left = async () => {
    let ends = 0;
    for await (const { recentEnds = [] } of registry.list()) ends += recentEnds.length;
    return ends;
  };
  const ending = new AbortController();
  const ended = registry.past.prune(day(100), ending.signal);
  setImmediate(() => ending.abort());
  await ended;
  const some = await left();
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(1200);
  await registry.past.prune(day(100), never);
  expect(await left()).toBe(0);
});

test('what was open when the collector was killed is in the history when it starts again', async () => {
  await registry.close();
  const script = fileURLToPath(new URL('writer.mjs', import.meta.url));
  const writer = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = -1;
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line);
    if (last === 3) writer.kill('SIGKILL');
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  registry = await openEmbeddedRegistry(folder);
  const end = { at: day(50), code: 'CALLHOME_STOPPED', reason: 'the collector stopped' };
  await registry.release('collector', end);
  const [open] = await registry.past.list(`device-${last}`, 1);
  expect(open).toMatchObject({ ...end, remoteAddress: '192.0.2.1:1', hostKey: `SHA256:${last}-0` });
  expect(open).not.toHaveProperty('bytes');
});

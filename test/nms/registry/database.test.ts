import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { all, device, end, facts, held, now } from './sample.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-registry-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const openHere = () => openEmbeddedRegistry(folder, { now: () => now });

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

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStateFolder } from '@callhome/shared/state-folder.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-state-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test('a folder is held by one program of a kind until it is released', async () => {
  const held = await openStateFolder(folder, 'one');
  await expect(openStateFolder(folder, 'one')).rejects.toMatchObject({
    code: 'CALLHOME_STATE_LOCKED',
    message: expect.stringContaining(`in use by process ${process.pid}`),
  });
  (await openStateFolder(folder, 'two')).release();
  await writeFile(join(folder, 'one.lock'), '');
  await expect(openStateFolder(folder, 'one')).rejects.toMatchObject({
    code: 'CALLHOME_STATE_LOCKED',
    message: expect.not.stringMatching(/process (0|NaN|undefined)/),
  });
  held.release();
  (await openStateFolder(folder, 'one')).release();
});

test.each([
  ['that cannot lock', 'echo "flock: no locks available" >&2; exit 71', 'flock: no locks available'],
  ['that says nothing', 'exit 66', 'status 66'],
  ['that is killed', 'kill -9 $$', 'SIGKILL'],
])('a `flock` %s is not another program that has the folder', async (_what, script, why) => {
  await writeFile(join(folder, 'flock'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', folder);
  await expect(openStateFolder(folder, 'one')).rejects.toMatchObject({
    code: 'CALLHOME_STATE_UNUSABLE',
    message: expect.stringContaining(why),
  });
});

test('no `flock` at all is told as such', async () => {
  vi.stubEnv('PATH', folder);
  await expect(openStateFolder(folder, 'one')).rejects.toMatchObject({
    code: 'CALLHOME_STATE_UNUSABLE',
    message: expect.stringContaining('util-linux'),
  });
});

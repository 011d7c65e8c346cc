import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePrivateFolder, readTextFile } from '@callhome/shared/files.js';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

const unreadable = (why: string) => ({ code: 'CALLHOME_FILE_UNREADABLE', facts: { why } });

test('a text is read up to its bound, without its byte order mark', async () => {
  const file = join(folder, 'text');
  await writeFile(file, '\u{feff}grün');
  expect(await readTextFile(file, 8)).toBe('grün');
  await expect(readTextFile(file, 7)).rejects.toMatchObject(unreadable('it is larger than 7 bytes'));
});

test('the bound holds for what has no size: pipes and devices', async () => {
  await expect(readTextFile('/dev/zero', 100)).rejects.toMatchObject(
    unreadable('it is larger than 100 bytes'),
  );
  const pipe = join(folder, 'pipe');
  execFileSync('sh', ['-c', `mkfifo ${pipe}`]);
  const writer = execFile('sh', ['-c', `yes > ${pipe}`], () => undefined);
  await expect(readTextFile(pipe, 100)).rejects.toMatchObject(unreadable('it is larger than 100 bytes'));
  writer.kill('SIGKILL');
});

test('bytes that are not UTF-8 are refused, not replaced', async () => {
  const file = join(folder, 'latin');
  await writeFile(file, Buffer.from('grün', 'latin1'));
  await expect(readTextFile(file, 100)).rejects.toMatchObject(unreadable('it is not UTF-8 text'));
});

test('a folder that is a file is told as such', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'below')]) {
    await expect(makePrivateFolder(path)).rejects.toMatchObject({
      code: 'CALLHOME_FILE_UNWRITABLE',
      facts: { why: 'it is not a folder' },
    });
  }
});

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makePrivateFolder, readTextFile, writeFileAtomic } from '@callhome/shared/files.js';
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

test('a folder is made with its parents, for its owner alone, and may be there already', async () => {
  const parent = join(folder, 'parent');
  const path = join(parent, 'child');
  for (let time = 0; time < 2; time++) await makePrivateFolder(path);
  for (const made of [parent, path]) expect((await stat(made)).mode & 0o777).toBe(0o700);
});

test.each([
  ['that is a file', 'file', 'it is not a folder'],
  ['in a file', 'file/below', 'it is not a folder'],
  ['in a file in which there is more', 'file/below/far/below', 'it is not a folder'],
  ['that is a link to nothing', 'dangling', 'no folder can be made there'],
  ['in a link to nothing', 'dangling/below/far', 'no folder can be made there'],
  ['in /proc', '/proc/callhome', 'no folder can be made there'],
  ['deep in /proc', '/proc/callhome/far/below', 'no folder can be made there'],
  ['in a process of /proc', '/proc/self/callhome', 'no folder can be made there'],
  ['in a device', '/dev/null/callhome', 'it is not a folder'],
  ['with a name that is too long', 'x'.repeat(300), 'the name is too long'],
  ['with a path that is too long', 'x/'.repeat(2500), 'the name is too long'],
])('a folder %s is refused at once', async (_what, path, why) => {
  await writeFile(join(folder, 'file'), '');
  await symlink(join(folder, 'nothing'), join(folder, 'dangling'));
  await expect(makePrivateFolder(resolve(folder, path))).rejects.toMatchObject({
    code: 'CALLHOME_FILE_UNWRITABLE',
    facts: { why },
  });
});

test('what a writer that is killed leaves is the old text or the new one, and nothing else after the next write', async () => {
  const file = join(folder, 'text');
  const [old, next] = ['old', 'new'].map((text) => text.repeat(1e6)) as [string, string];
  /** Kills a writer in the middle of it; resolves with the names that there are then. */
  const kill = async (): Promise<string[]> => {
    await writeFileAtomic(file, old);
    const script = `const { writeFileAtomic } = await import(${JSON.stringify(import.meta.resolve('@callhome/shared/files.js'))});
      await writeFileAtomic(${JSON.stringify(file)}, 'new'.repeat(1e6));`;
    const writer = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
    const watcher = watch(folder, (_event, name) => name?.endsWith('.tmp') && writer.kill('SIGKILL'));
    await once(writer, 'exit');
    watcher.close();
    return await readdir(folder);
  };
  let left: string[] = [];
  while (left.length < 2) left = await kill();
  expect([old, next]).toContain(await readFile(file, 'utf8'));
  await writeFileAtomic(file, next);
  expect(await readdir(folder)).toEqual(['text']);
});

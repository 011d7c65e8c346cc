import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from './run.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-init-'));
});
afterEach(() => rm(folder, { recursive: true }));

const here = (...args: string[]) => run(args, '', folder);

test('init writes a valid configuration for its owner alone, and key shows its public half', async () => {
  expect(await here('init')).toMatchObject({ status: 0, stderr: '' });
  expect((await stat(join(folder, 'nms.json'))).mode & 0o777).toBe(0o600);
  expect(String((await here('check', 'nms.json')).stdout)).toBe('valid\n');
  const { status, stdout } = await here('key');
  expect(status).toBe(0);
  expect(String(stdout)).toMatch(/^ssh-ed25519 AAAA[A-Za-z0-9+/]+=* callhome-nms\n$/);
});

test.each(['abc', '65536', '', '1.5', '-1', '0x10'])('init takes %j for no port', async (port) => {
  const { status, stderr } = await here('init', '--api-port', port);
  expect(status).toBe(2);
  expect(stderr).toContain('must be a port');
  expect(stderr).not.toContain('localhost');
});

test('init never overwrites, and makes another key each time', async () => {
  await here('init');
  const first = await readFile(join(folder, 'nms.json'), 'utf8');
  const again = await here('init');
  expect(again).toMatchObject({ status: 1 });
  expect(again.stderr).toContain('nms.json');
  expect(await readFile(join(folder, 'nms.json'), 'utf8')).toBe(first);
  await here('init', '--out', 'other.json');
  const keys = await Promise.all(['nms.json', 'other.json'].map((file) => here('key', '--config', file)));
  expect(new Set(keys.map(({ stdout }) => String(stdout)))).toHaveLength(2);
});

test('check prints a line for each problem and fails; a file that is not there is no verdict', async () => {
  await writeFile(join(folder, 'bad.json'), '{"a": 1, "b": 2}');
  const bad = await here('check', 'bad.json');
  expect(bad).toMatchObject({ status: 1, stderr: '' });
  expect(String(bad.stdout)).toContain('bad.json: /a: ');
  expect(String(bad.stdout)).toContain('bad.json: /b: ');
  const none = await here('check', 'none.json');
  expect({ status: none.status, stdout: String(none.stdout) }).toEqual({ status: 1, stdout: '' });
  expect(none.stderr).toContain('none.json');
});

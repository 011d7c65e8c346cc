import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ended, run, start } from './run.js';

let folder = '';
let state = '';
const children: ChildProcessWithoutNullStreams[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-serve-'));
  state = join(folder, 'state');
  await configure(0, 0);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** A configuration on loopback alone. */
async function configure(port: number, apiPort: number): Promise<void> {
  const binds = [{ address: '127.0.0.1', port }];
  const document = newNmsDocument({ identity: generateKeyPair(), binds, apiPort });
  await writeFile(join(folder, 'nms.json'), JSON.stringify(document), { mode: 0o600 });
}

const serveArgs = () => ['serve', '--config', join(folder, 'nms.json'), '--state-dir', state];

/** A collector that has said that it runs. */
async function serve(): Promise<ChildProcessWithoutNullStreams> {
  const child = start(serveArgs());
  children.push(child);
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('"collector started"')) break;
  }
  child.stderr.resume();
  return child;
}

test.each(['SIGINT', 'SIGTERM'] as const)('serves until %s, then stops in order', async (signal) => {
  const child = await serve();
  for (const file of ['token', 'url', 'registry.db']) {
    expect((await stat(join(state, file))).mode & 0o777).toBe(0o600);
  }
  expect(await run(['devices', '--json', '--state-dir', state])).toMatchObject({ status: 0, stderr: '' });
  const end = once(child, 'exit');
  child.kill(signal);
  expect(await end).toEqual([0, null]);
  await expect(access(join(state, 'url'))).rejects.toMatchObject({ code: 'ENOENT' });
});

/** A connection to the API in the middle of a request, which an orderly stop gives some time. */
async function holdStop(): Promise<Socket> {
  const socket = connect(Number(new URL(await readFile(join(state, 'url'), 'utf8')).port), '127.0.0.1');
  await once(
    socket.on('error', () => undefined),
    'connect',
  );
  await new Promise((resolve) => socket.write('GET /v1/status HTTP/1.1\r\n', resolve));
  return socket;
}

test('a second signal of another kind does not disturb the stop', async () => {
  const child = await serve();
  const end = once(child, 'exit');
  child.kill('SIGINT');
  child.kill('SIGTERM');
  expect(await end).toEqual([0, null]);
  await expect(access(join(state, 'url'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a second signal of the same kind ends it at once', async () => {
  const child = await serve();
  const socket = await holdStop();
  const end = once(child, 'exit');
  const stopping = once(child.stderr, 'data');
  child.kill('SIGTERM');
  await stopping;
  child.kill('SIGTERM');
  expect(await end).toEqual([1, null]);
  socket.destroy();
});

test('SIGHUP is answered in the log, and the collector goes on', async () => {
  const child = await serve();
  const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  child.kill('SIGHUP');
  const { value: line } = await lines.next();
  expect(JSON.parse(line)).toMatchObject({ level: 'warn', msg: expect.stringContaining('SIGHUP') });
  expect(await run(['devices', '--state-dir', state])).toMatchObject({ status: 0, stderr: '' });
});

test('a state folder that is a file is told as such', async () => {
  await writeFile(state, '');
  const { status, stderr } = await run(serveArgs());
  expect(status).toBe(1);
  expect(stderr).toContain('it is not a folder');
});

test('what it knows outlives it, however it ends, and its token does not', async () => {
  const first = await serve();
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKY5NtBg//nT00xR815AofvOhkNm1brCJZfTLhrSO83T';
  await run(['device', 'add', 'router', '--host-key', '-', '--state-dir', state], key);
  const token = await readFile(join(state, 'token'), 'utf8');
  const end = once(first, 'exit');
  first.kill('SIGKILL');
  await end;
  expect(await run(['devices', '--state-dir', state])).toMatchObject({ status: 1 });
  await serve();
  expect(await readFile(join(state, 'token'), 'utf8')).not.toBe(token);
  expect(String((await run(['devices', '--state-dir', state])).stdout)).toMatch(/^router\t/);
});

test('a second one on the same folder is told by whom it is held', async () => {
  const { pid } = await serve();
  const second = await run(serveArgs());
  expect(second).toMatchObject({ status: 1 });
  expect(second.stderr).toContain(String(pid));
  expect(await run(['devices', '--state-dir', state])).toMatchObject({ status: 0 });
});

test.each(['listener', 'API'])('a port of the %s that is in use is one line and 1', async (which) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await configure(which === 'API' ? 0 : port, which === 'API' ? port : 0);
  const { status, stderr } = await ended(start(serveArgs()));
  expect(status).toBe(1);
  expect(stderr.split('\n').filter((line) => !line.startsWith('{') && line !== '')).toEqual([
    expect.stringContaining(`127.0.0.1 port ${port} is in use`),
  ]);
  other.close();
  await configure(0, 0);
  await serve();
});

test('a configuration that is wrong is 1, and makes no state', async () => {
  await writeFile(join(folder, 'nms.json'), '{}');
  const { status, stderr } = await run(serveArgs());
  expect(status).toBe(1);
  expect(stderr).toContain('nms.json: ');
  await expect(access(state)).rejects.toMatchObject({ code: 'ENOENT' });
});

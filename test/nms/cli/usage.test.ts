import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from './run.js';

const commands = [
  'init',
  'serve',
  'key',
  'check',
  'devices',
  'device',
  'device add',
  'device show',
  'device set',
  'device rename',
  'device key',
  'device key add',
  'device key remove',
  'device remove',
  'profile',
  'profile add',
  'profile set',
  'profile list',
  'profile show',
  'profile remove',
  'rpc',
  'get-config',
  'netconf',
];

test.each(['', ...commands])('`%s --help` explains itself with examples', async (command) => {
  const words = command === '' ? [] : command.split(' ');
  const { status, stdout, stderr } = await run([...words, '--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(String(stdout)).toMatch(/^Usage: callhome-nms/);
  expect(String(stdout)).toContain('Examples:\n  $ ');
});

test('--version is a version', async () => {
  const { status, stdout } = await run(['--version']);
  expect(status).toBe(0);
  expect(String(stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [],
  ['no-such-command'],
  ['device'],
  ['device', 'ad'],
  ['devices', '--no-such-option'],
  ['devices', 'too', 'many'],
  ['devices', '--url', 'ftp://localhost'],
  ['device', 'show'],
  ['device', 'show', 'a/b'],
  ['device', 'add', 'a'],
  ['device', 'add', 'a', '--host-key', '-', '--label', 'no-value'],
  ['device', 'add', 'a', '--host-key', '-', '--max-sessions', '0'],
  ['device', 'add', 'a', '--host-key', '-', '--profile', 'a b'],
  ['device', 'set', 'a'],
  ['device', 'set', 'a', '--unset', 'password'],
  ['device', 'set', 'a', '--user', 'x', '--unset', 'user'],
  ['device', 'set', 'a', '--label', 'x=y', '--unlabel', 'x'],
  ['device', 'set', 'a', '--reply-timeout', ''],
  ['device', 'rename', 'a'],
  ['device', 'rename', 'a', 'b/c'],
  ['device', 'key', 'add', 'a'],
  ['device', 'key', 'remove', 'a'],
  ['profile', 'add'],
  ['profile', 'add', '-x'],
  ['profile', 'add', 'a', '--keepalive-max-wait', 'soon'],
  ['profile', 'set', 'a'],
  ['profile', 'set', 'a', '--user', ''],
  ['rpc'],
  ['rpc', '..'],
  ['rpc', 'a', '--timeout', 'soon'],
  ['get-config', 'a', '--source', '<running/>'],
  ['check'],
])('wrong usage is 2 and says nothing on standard output: %s %s', async (...args) => {
  const { status, stdout, stderr } = await run(args);
  expect({ status, stdout: String(stdout) }).toEqual({ status: 2, stdout: '' });
  expect(stderr).not.toBe('');
});

describe('without a collector', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callhome-usage-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKY5NtBg//nT00xR815AofvOhkNm1brCJZfTLhrSO83T';
  const calls: [string[], string][] = [
    [['devices'], ''],
    [['device', 'show', 'a'], ''],
    [['device', 'add', 'a', '--host-key', '-'], key],
    [['device', 'remove', 'a'], ''],
    [['device', 'set', 'a', '--user', 'x'], ''],
    [['device', 'rename', 'a', 'b'], ''],
    [['device', 'key', 'add', 'a', '--host-key', '-'], key],
    [['device', 'key', 'remove', 'a', 'SHA256:x'], ''],
    [['profile', 'add', 'a'], ''],
    [['profile', 'set', 'a', '--user', 'x'], ''],
    [['profile', 'list'], ''],
    [['profile', 'show', 'a'], ''],
    [['profile', 'remove', 'a'], ''],
    [['rpc', 'a'], '<get/>'],
    [['get-config', 'a'], ''],
    [['netconf', 'a'], ''],
  ];

  test.each(calls)('%j is 1: none has been there', async (args, input) => {
    const { status, stdout, stderr } = await run([...args, '--state-dir', folder], input);
    expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(join(folder, 'url'));
  });

  test.each(calls.filter(([[command]]) => command !== 'device'))(
    '%j is 1: none answers',
    async (args, input) => {
      const closed = createServer().listen(0, '127.0.0.1');
      await once(closed, 'listening');
      const address = closed.address();
      const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
      closed.close();
      await writeFile(join(folder, 'token'), 'x'.repeat(43));
      const { status, stdout, stderr } = await run([...args, '--state-dir', folder, '--url', url], input);
      expect({ status, stdout: String(stdout) }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain(`no collector answers at ${url}`);
    },
  );

  /** What takes connections, and says so on each. */
  const listeners: [string, (socket: Socket) => void, string][] = [
    ['nothing', (socket) => socket.resume(), 'has said nothing for 5 s'],
    ['something else than HTTP', (socket) => socket.write('SSH-2.0-x\r\n'), 'does not speak HTTP'],
  ];
  test.each(listeners)('is told at once where the port says %s', async (_what, greet, why) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      greet(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    await writeFile(join(folder, 'token'), 'x'.repeat(43));
    const told = calls.map(async ([args, input]) => {
      const { status, stderr } = await run([...args, '--state-dir', folder, '--url', url], input);
      expect({ status, stderr }, args[0]).toEqual({
        status: 1,
        stderr: expect.stringContaining(`no collector answers at ${url}: what listens there ${why}`),
      });
    });
    await Promise.all(told);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('a token file that is not there is named', async () => {
    const { status, stderr } = await run([
      'devices',
      '--url',
      'http://127.0.0.1:1',
      '--token-file',
      join(folder, 't'),
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain(join(folder, 't'));
  });
});

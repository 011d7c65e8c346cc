import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../programs/command.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { freePort } from '../programs/free-port.js';

/** Runs it to its end. */
async function startAndFail(...args: string[]): Promise<{ status: unknown; stderr: string }> {
  const child = spawn(process.execPath, [path.resolve('scripts/start.mjs'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { status, stderr };
}

test('`npm start` shows a device that is connected, and Ctrl-C ends all of it in order', async () => {
  const folder = await createFolder('demo');
  const args = ['--dir', folder, '--port', String(await freePort()), '--api-port', '0'];
  // A group of its own, as a shell makes one for each command.
  const child = spawn(process.execPath, [path.resolve('scripts/start.mjs'), ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const group = -(child.pid ?? Number.NaN);
  const exit = once(child, 'exit');
  try {
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.startsWith('Ctrl-C')) break;
    }
    expect(lines.join('\n'), errors).toMatch(/^demo\s+connected\s/m);
    // What a terminal does: the signal is for every process of the group.
    process.kill(group, 'SIGINT');
    expect(await exit).toEqual([0, null]);
    expect(errors).toBe('');
    for (const program of ['nms', 'agent']) {
      const log = await readFile(path.join(folder, `${program}.log`), 'utf8');
      expect(log).toContain('"signal":"SIGTERM"');
      expect(log).toMatch(/"(collector|agent) stopped"/);
    }
    expect(await readdir(path.join(folder, 'nms'))).not.toContain('url');
  } finally {
    if (child.exitCode === null && child.signalCode === null) process.kill(group, 'SIGTERM');
    await exit;
    await removeFolder(folder);
  }
}, 180_000);

describe('a port in use', () => {
  const server = createServer();
  let folder = '';
  let port = '';
  beforeAll(async () => {
    folder = await createFolder('demo');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = String(Object(server.address()).port);
  });
  afterAll(async () => {
    server.close();
    await removeFolder(folder);
  });

  test.each([
    { option: '--port', other: '--api-port' },
    { option: '--api-port', other: '--port' },
  ])('$option has to be another one', async ({ option, other }) => {
    expect(await startAndFail('--dir', folder, option, port, other, '0')).toEqual({
      status: 1,
      stderr: `callhome: port ${port} is in use: give another one with ${option}\n`,
    });
  });

  test('in the configuration of an earlier run has to be changed there', async () => {
    const init = await runCommand('nms', [
      ...['init', '--out', path.join(folder, 'nms.json')],
      ...['--listen', `127.0.0.1:${port}`, '--api-port', '0'],
    ]);
    expect(init.status).toBe(0);
    const { status, stderr } = await startAndFail('--dir', folder);
    expect(status).toBe(1);
    expect(stderr).toContain(`127.0.0.1 port ${port} is in use`);
    expect(stderr).toContain(`The ports are those in ${folder}: nms.json and agent.json`);
  });
});

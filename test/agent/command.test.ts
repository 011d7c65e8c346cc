import { once } from 'node:events';
import { chmod, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import type { SessionChannel } from '@callhome/agent/backend/backend.js';
import { commandBackend } from '@callhome/agent/backend/command.js';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { captureLog } from '../programs/captured-log.js';
import { createFolder, removeFolder } from '../programs/folder.js';

const origin = {
  user: userInfo().username,
  remote: { address: '192.0.2.1', port: 4334 },
  local: { address: '192.0.2.2', port: 50_000 },
};

let folder = '';
let captured = captureLog();
beforeEach(async () => {
  folder = await createFolder('command');
  captured = captureLog();
});
afterEach(() => removeFolder(folder));

async function script(text: string): Promise<string> {
  const file = path.join(folder, 'program');
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

/** Opens a session with a program; the result is the peer's end of its channel, and the exit status. */
function open(program: string, args: string[] = [], shownServerPort?: number) {
  const toProgram = new PassThrough();
  const fromProgram = new PassThrough();
  let status: number | undefined;
  const channel: SessionChannel = Object.assign(Duplex.from({ readable: toProgram, writable: fromProgram }), {
    exit(code: number) {
      status = code;
    },
  });
  const argument = args.map((value, position) => ({ position, value }));
  const environment = shownServerPort === undefined ? {} : { 'shown-server-port': shownServerPort };
  const over = commandBackend({ program, argument, environment }, captured.log).open(channel, origin);
  return { input: toProgram, output: fromProgram, channel, over, status: () => status };
}

async function textOf(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

describe('a command backend', () => {
  it('gives the program the environment that OpenSSH would, and nothing of its own', async () => {
    vi.stubEnv('CALLHOME_TEST_SECRET', 'x');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { output } = open('/usr/bin/env');
    const lines = (await textOf(output)).trim().split('\n').sort();
    expect(lines).toEqual([
      `HOME=${userInfo().homedir}`,
      `LOGNAME=${origin.user}`,
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      expect.stringMatching(/^SHELL=\//),
      'SSH_CLIENT=192.0.2.1 4334 50000',
      'SSH_CONNECTION=192.0.2.1 4334 192.0.2.2 50000',
      `USER=${origin.user}`,
    ]);
  });

  it('shows the port that the operator wants shown', async () => {
    const { output } = open('/usr/bin/env', [], 830);
    expect(await textOf(output)).toContain('SSH_CONNECTION=192.0.2.1 4334 192.0.2.2 830\n');
  });

  it('passes bytes both ways, and the exit status', async () => {
    const { input, output, status } = open(await script('cat; exit 7'));
    const bytes = Buffer.alloc(3_000_000, 'abc');
    input.end(bytes);
    const received: Buffer[] = [];
    for await (const chunk of output) received.push(chunk);
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    expect(status()).toBe(7);
  });

  it('lets a program finish what it has to say after the input has ended', async () => {
    const { input, output } = open(await script('cat >/dev/null; sleep 0.2; echo done'));
    input.end();
    expect(await textOf(output)).toBe('done\n');
  });

  it('ends the session when the program does not run, and says why', async () => {
    const { output, status } = open(path.join(folder, 'missing'));
    expect(await textOf(output)).toBe('');
    expect(status()).toBe(127);
    expect(captured.text()).toMatch(/"level":"error".*it does not run/);
  });

  it("logs the program's complaints, within a bound", async () => {
    const { output } = open(await script('head -c 100000 /dev/zero | tr "\\0" x >&2'));
    await textOf(output);
    const texts = captured
      .text()
      .split('\n')
      .filter((line) => line.includes('standard error'));
    expect(texts.length).toBeGreaterThan(0);
    for (const line of texts) expect(line.length).toBeLessThan(2000);
  });

  it('reads on what is not logged, so that no program waits for ever', async () => {
    const { output } = open(await script('head -c 10000000 /dev/zero >&2; echo done'));
    expect(await textOf(output)).toBe('done\n');
    const told = captured.text().match(/writes on to standard error/g);
    expect(told).toHaveLength(1);
  });

  it('reads what is not logged slowly', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const told = captured.next(
      'the backend writes on to standard error: that is not logged, and read slowly',
    );
    const { output, channel, over } = open(await script('echo $$; exec cat /dev/zero >&2'));
    const [chunk] = await once(output, 'data');
    await told;
    // Time stands still: it fills the pipe.
    const written = async () =>
      /wchar: (\d+)/.exec(await readFile(`/proc/${Number(String(chunk))}/io`, 'utf8'))?.[1];
    let before: string | undefined;
    await expect
      .poll(async () => {
        const former = before;
        before = await written();
        return before === former;
      })
      .toBe(true);
    vi.advanceTimersByTime(1000);
    await expect.poll(written).not.toBe(before);
    channel.destroy();
    vi.useRealTimers();
    await over;
  });

  it.each([
    ['a program', 'echo $$; exec sleep 1000'],
    ['what a program has started', 'echo $$; sleep 1000 | sleep 1000; true'],
    ['what a program has left behind', 'sleep 1000 & echo $$'],
    ['a program that ignores SIGTERM', "trap '' TERM; echo $$; while :; do sleep 1000; done"],
    ['what does so, and was left behind', "(trap '' TERM; echo $$; exec sleep 1000) & exit"],
  ])('ends %s when the channel is gone, and then the session is over', async (_what, text) => {
    const { output, channel, over } = open(await script(text));
    const [chunk] = await once(output, 'data');
    const group = Number(String(chunk));
    channel.destroy();
    await over;
    expect(captured.text()).toContain('session closed');
    // the kernel takes a moment
    await expect.poll(() => membersOf(group)).toEqual([]);
  });

  it('holds nothing of a program that has left its group and keeps its standard error', async () => {
    const pipes = await pipesOf(process.pid);
    const { output, channel, over } = open(
      await script('setsid sh -c "echo \\$\\$; exec >/dev/null; exec sleep 1000" & exit'),
    );
    const [chunk] = await once(output, 'data');
    onTestFinished(() => void process.kill(Number(String(chunk)), 'SIGKILL'));
    channel.destroy();
    await over;
    await expect.poll(() => pipesOf(process.pid)).toEqual(pipes);
  });
});

/** What a process holds of pipes and sockets. */
async function pipesOf(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`);
  const files = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')),
  );
  return files.filter((file) => /^(pipe|socket):/.test(file)).sort();
}

/** The processes of a group that have not ended. */
async function membersOf(group: number): Promise<string[]> {
  const stats = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')),
  );
  return stats.filter((stat) => {
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(pgrp) === group && state !== 'Z';
  });
}

import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { resolveName } from '@callhome/agent/dial/resolve.js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createFolder, removeFolder } from '../../programs/folder.js';

const never = new AbortController().signal;

/** Stands in the place of the system's `getent`; the result is its folder. */
async function getent(script: string): Promise<string> {
  const folder = await createFolder('getent');
  onTestFinished(() => removeFolder(folder));
  onTestFinished(() => void vi.unstubAllEnvs());
  const file = path.join(folder, 'getent');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  return folder;
}

describe('a name', () => {
  it('has the addresses that the system knows', async () => {
    const addresses = await resolveName('localhost', never);
    expect(addresses).not.toEqual([]);
    for (const { address } of addresses) expect(address).toMatch(/^(127\.0\.0\.1|::1)$/);
  });

  it('has them where there is no getent, too', async () => {
    vi.stubEnv('PATH', '/nowhere');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await resolveName('localhost', never)).not.toEqual([]);
    const giveUp = new AbortController();
    const resolving = resolveName('localhost', giveUp.signal);
    giveUp.abort();
    await expect(resolving).rejects.toThrow('not resolved yet');
  });

  it('has each address once, in the order of the system', async () => {
    await getent(
      'echo "2001:db8::1 STREAM $2"; echo "2001:db8::1 DGRAM"; printf "192.0.2.1\\tSTREAM\\n192.0.2.1\\tRAW\\n"',
    );
    expect(await resolveName('nms.example', never)).toEqual([
      { address: '2001:db8::1', family: 6 },
      { address: '192.0.2.1', family: 4 },
    ]);
  });

  it.each([
    ['that is unknown', 'exit 2', 'the name nms.example cannot be resolved'],
    ['where getent fails', 'exit 3', '`getent` of libc failed for nms.example: 3'],
    [
      'with answers without end',
      'yes',
      '`getent` of libc failed for nms.example: ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
    ],
  ])('%s is an error in words', async (_what, script, message) => {
    await getent(script);
    await expect(resolveName('nms.example', never)).rejects.toThrow(new Error(message));
  });

  it('that takes too long is given up, with the process that asks for it', async () => {
    const folder = await getent('echo $$ >"$0.pid"; exec sleep 1000');
    const giveUp = new AbortController();
    const resolving = resolveName('nms.example', giveUp.signal);
    const pidOf = async () => Number(await readFile(path.join(folder, 'getent.pid'), 'utf8').catch(() => ''));
    await expect.poll(pidOf).toBeGreaterThan(0);
    const pid = await pidOf();
    giveUp.abort();
    await expect(resolving).rejects.toThrow('the name nms.example is not resolved yet');
    await expect.poll(() => isRunning(pid)).toBe(false);
    await expect(resolveName('nms.example', giveUp.signal)).rejects.toThrow();
  });
});

it('an address is its own', async () => {
  await getent('exit 3');
  expect(await resolveName('2001:db8::1', never)).toEqual([{ address: '2001:db8::1', family: 6 }]);
  expect(await resolveName('192.0.2.1', never)).toEqual([{ address: '192.0.2.1', family: 4 }]);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

import { spawnSync } from 'node:child_process';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CallhomeError, reasonOf } from './errors.js';
import { makePrivateFolder } from './files.js';

/** A folder that one running program owns. */
export interface StateFolder {
  readonly path: string;
  /** Lets another program have it; the kernel does so too when this one dies. */
  release(): void;
}

/** `$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME/callhome`, else `~/.local/state/callhome`. */
export function defaultStateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const systemd = env['STATE_DIRECTORY']?.split(':')[0];
  if (systemd) return systemd;
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'callhome');
}

/** For the message to a second program: a full disk, which prevents it, is no reason not to start. */
function writeOwner(descriptor: number): void {
  try {
    ftruncateSync(descriptor);
    writeSync(descriptor, `${process.pid}\n`, 0);
  } catch {}
}

/**
 * Makes the folder where it is missing and takes it for `program`.
 *
 * Node has no flock(2), so util-linux's `flock` takes the lock on a descriptor that it inherits: the lock belongs to the
 * open file, stays with this process when `flock` exits, and the kernel drops it when this process dies, however it dies.
 * @throws CALLHOME_STATE_LOCKED, CALLHOME_STATE_UNUSABLE
 */
export async function openStateFolder(dir: string, program: string): Promise<StateFolder> {
  await makePrivateFolder(dir);
  const file = join(dir, `${program}.lock`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { status, signal, error, stderr } = spawnSync('flock', ['--nonblock', '3'], {
      stdio: ['ignore', 'ignore', 'pipe', descriptor],
      timeout: 10_000,
    });
    if (error) throw new Error(`\`flock\` of util-linux does not run: ${error.message}`);
    if (status === 1) {
      const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
      throw new CallhomeError('CALLHOME_STATE_LOCKED', { dir, pid: Number.isNaN(pid) ? undefined : pid });
    }
    if (status !== 0)
      throw new Error(`\`flock\` failed: ${String(stderr).trim() || signal || `status ${status}`}`);
    writeOwner(descriptor);
    const held = descriptor;
    return { path: dir, release: () => closeSync(held) };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (error instanceof CallhomeError) throw error;
    throw new CallhomeError('CALLHOME_STATE_UNUSABLE', { dir, why: reasonOf(error) }, error);
  }
}

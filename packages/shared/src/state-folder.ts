import { spawnSync } from 'node:child_process';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CallhomeError, codeOf, reasonOf } from './errors.js';
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

/** That of the services, by `StateDirectory` of their units. */
const serviceFolder = '/var/lib/callhome';

/** The kernel's word for what failed, such as ENOENT, from an error or what it wraps. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error) ?? '';
  return /^E[A-Z]+$/.test(code) ? code : systemCode(error.cause);
}

/** Whom a folder belongs to, in words. */
async function ownerOf(dir: string): Promise<string> {
  const uid = await stat(dir).then(
    (found) => String(found.uid),
    () => undefined,
  );
  if (uid === undefined) return 'its user';
  const { stdout } = spawnSync('id', ['-nu', uid], { encoding: 'utf8', timeout: 10_000 });
  return `the user ${stdout?.trim() || uid}`;
}

/**
 * Finds a running program by its state folder: the one that is given or that systemd sets; else the user's own, and
 * where no program runs there, the service's.
 * @param find fails with a system error in its causes where no program runs
 * @param instead the options that name another, for the message to who may not read the folder
 * @throws CALLHOME_STATE_DENIED, and what `find` throws
 */
export async function findRunning<T>(
  given: string | undefined,
  find: (folder: string) => Promise<T>,
  instead: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<T> {
  const own = given ?? defaultStateFolder(env);
  const folders = given !== undefined || env['STATE_DIRECTORY'] ? [own] : [own, serviceFolder];
  let absent: unknown;
  let denied: CallhomeError | undefined;
  for (const dir of folders) {
    try {
      return await find(dir);
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EACCES')
        denied = new CallhomeError(
          'CALLHOME_STATE_DENIED',
          { dir, owner: await ownerOf(dir), instead },
          error,
        );
      else if (code === 'ENOENT' || code === 'ECONNREFUSED') absent ??= error;
      else throw error;
    }
  }
  throw denied ?? absent;
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

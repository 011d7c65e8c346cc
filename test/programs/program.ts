import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** How much of a program's output is kept for diagnosis. Characters. */
const outputKept = 256 * 1024;
/** For anything that a peer is expected to do by itself. Milliseconds. */
const patience = 60_000;
/** From SIGTERM to SIGKILL. Milliseconds. */
const stopGrace = 20_000;

/** A program that a test runs: a real peer, with its output at hand when the test fails. */
export interface Program {
  readonly pid: number;
  readonly stdin: Writable;
  /** Unread when it was asked for raw. */
  readonly stdout: Readable;
  /** All that it wrote, save a raw standard output. */
  output(): string;
  /** Resolves with the exit status, or the signal's name, when it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Waits for something that the running program brings about. Rejects with its output when it ends first, or takes too long. */
  expect<T>(what: string, event: Promise<T>): Promise<T>;
  /** SIGTERM or `signal`, then SIGKILL; resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Each line of its output. */
  readonly onLine?: (line: string) => void;
  /** `raw`: standard output is the caller's to read. Lines otherwise. */
  readonly stdout?: 'raw' | 'lines';
}

/** Starts a program. The kernel ends it should this process die first: no peer outlives its test. Rejects when it cannot start. */
export async function startProgram(
  command: string,
  args: readonly string[],
  { env = process.env, onLine, stdout = 'lines' }: ProgramOptions = {},
): Promise<Program> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { env, stdio: 'pipe' });
  let output = '';
  const readLines = (from: Readable) =>
    createInterface({ input: from }).on('line', (line) => {
      output = `${output}${line}\n`.slice(-outputKept);
      onLine?.(line);
    });
  readLines(child.stderr);
  if (stdout === 'lines') readLines(child.stdout);
  child.stdin.on('error', () => {}); // it ended without reading: `ended` tells
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? 0));
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await once(child, 'spawn');

  const expect = async <T>(what: string, event: Promise<T>): Promise<T> => {
    const fail = (why: string) => new Error(`${command} ${why} ${what}:\n${output}`);
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      limit = setTimeout(() => reject(fail('took too long for')), patience);
    });
    const gone = ended.then((status) => {
      throw fail(`ended with ${status} before`);
    });
    try {
      return await Promise.race([event, gone, late]);
    } finally {
      clearTimeout(limit);
    }
  };

  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    child.kill(signal);
    const grace = setTimeout(() => child.kill('SIGKILL'), stopGrace);
    await exited;
    clearTimeout(grace);
    child.stdout.destroy(); // what nobody reads would keep it from closing
    await ended;
  };

  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout: child.stdout,
    output: () => output,
    ended,
    expect,
    stop,
  };
}

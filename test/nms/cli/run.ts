import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../../packages/nms/bin/callhome-nms.js', import.meta.url));

/** How a command ended. */
export interface Ended {
  /** The exit status, or the signal that ended it. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Starts `callhome-nms`, with no trace of this machine's own settings. */
export function start(args: readonly string[], cwd?: string): ChildProcessWithoutNullStreams {
  const { PATH } = process.env;
  return spawn(process.execPath, [bin, ...args], { env: { PATH, HOME: '/nonexistent' }, cwd });
}

/** The end of a started command, and all that it says until then. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    buffer(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status: code ?? signal, stdout, stderr };
}

/** Runs `callhome-nms` to its end. */
export function run(args: readonly string[], input: string | Buffer = '', cwd?: string): Promise<Ended> {
  const child = start(args, cwd);
  // It may end before it has read all.
  child.stdin.on('error', () => undefined).end(input);
  return ended(child);
}

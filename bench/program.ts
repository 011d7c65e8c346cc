import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { deferred } from '@callhome/shared/deferred.js';
import { z } from 'zod';

/** How much of what a program says is kept, to be shown when it fails. Characters. */
const outputKept = 16 * 1024;
/** From SIGTERM to SIGKILL. Milliseconds. */
const stopGrace = 8_000;

const failure = z.object({ failed: z.string() });

/** A program that the benchmark runs. It tells what it did as lines of JSON. */
export interface Program {
  readonly pid: number;
  /**
   * The first line from now on that the schema takes. Rejects when the program tells of a failure, when it ends, and
   * after `limit` seconds.
   */
  told<T>(schema: z.ZodType<T>, limit: number): Promise<T>;
  /** Writes a command, one line of JSON, to its standard input, and waits for what it tells. */
  ask<T>(command: object, schema: z.ZodType<T>, limit: number): Promise<T>;
  /** SIGTERM, then SIGKILL; resolves when it has ended. */
  stop(): Promise<void>;
}

interface Waiter {
  take(line: unknown): void;
  fail(error: Error): void;
}

const running = new Set<{ kill(signal: NodeJS.Signals): boolean }>();

/** Ends all programs at once. */
export function killPrograms(): void {
  for (const child of running) child.kill('SIGKILL');
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Starts a program; the kernel ends it should this process die first. */
export function startProgram(command: string, args: readonly string[]): Program {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { stdio: 'pipe' });
  running.add(child);
  const waiters = new Set<Waiter>();
  let output = '';
  let ended: string | undefined;
  const failed = (why: string) => new Error(`${command} ${args.join(' ')}: ${why}\n${output}`);

  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output = `${output}${line}\n`.slice(-outputKept);
      const told = jsonOf(line);
      for (const waiter of [...waiters]) waiter.take(told);
    });
  }
  const end = (why: string): void => {
    ended = why;
    running.delete(child);
    for (const waiter of [...waiters]) waiter.fail(failed(why));
  };
  child.stdin.on('error', () => undefined); // it ended: `end` tells
  child.once('error', (error) => end(error.message));
  child.once('close', (code, signal) => end(`ended with ${signal ?? code}`));

  async function told<T>(schema: z.ZodType<T>, limit: number): Promise<T> {
    if (ended !== undefined) throw failed(ended);
    const line = deferred<T>();
    const waiter: Waiter = {
      take(told) {
        const wanted = schema.safeParse(told);
        const trouble = failure.safeParse(told);
        if (wanted.success) line.resolve(wanted.data);
        else if (trouble.success) line.reject(failed(trouble.data.failed));
      },
      fail: line.reject,
    };
    waiters.add(waiter);
    const timer = setTimeout(() => line.reject(failed(`said nothing for ${limit} s`)), limit * 1000);
    try {
      return await line.promise;
    } finally {
      clearTimeout(timer);
      waiters.delete(waiter);
    }
  }

  return {
    pid: child.pid ?? 0,
    told,
    ask(command, schema, limit) {
      const answer = told(schema, limit);
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return answer;
    },
    async stop() {
      if (ended !== undefined) return;
      const over = once(child, 'close');
      child.kill();
      const grace = setTimeout(() => child.kill('SIGKILL'), stopGrace);
      await over;
      clearTimeout(grace);
    },
  };
}

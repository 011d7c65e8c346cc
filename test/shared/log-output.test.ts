import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createDisk } from '../faults/disk.js';
import { requireRoot } from '../faults/require-root.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();
const program = fileURLToPath(new URL('log-writer.mjs', import.meta.url));

interface Writer {
  readonly child: ChildProcess;
  /** Resolves when so many more lines were logged. */
  log(lines: number): Promise<void>;
  /** Resolves with its exit status. */
  end(): Promise<unknown>;
}

function startWriter(stderr: 'pipe' | number): Writer {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', stderr] });
  owned({ stop: async () => void child.kill('SIGKILL') });
  const answers = child.stdout && createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async log(lines) {
      child.stdin?.write(`${lines}\n`);
      expect(await answers?.next()).toEqual({ value: 'logged', done: false });
    },
    async end() {
      const exit = once(child, 'exit');
      child.stdin?.end();
      return (await exit)[0];
    },
  };
}

interface Line {
  readonly msg: string;
  readonly level: string;
  readonly lost?: number;
  readonly reason?: string;
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line.endsWith('}') && line.startsWith('{'))
    .map((line) => JSON.parse(line));

describe('a log that nobody reads', () => {
  test('blocks nobody, and is told of when it is read again', async () => {
    const writer = startWriter('pipe');
    await writer.log(5000);
    await writer.log(5000);
    let text = '';
    const told = new Promise<void>((resolve) => {
      writer.child.stderr?.on('data', (chunk) => {
        text += chunk;
        if (text.includes('were lost')) resolve();
      });
    });
    await told;
    await writer.log(10);
    expect(await writer.end()).toBe(0);
    const lines = linesOf(text);
    const loss = lines.find(({ lost }) => lost !== undefined);
    expect(loss).toMatchObject({ level: 'warn', reason: 'nobody reads them' });
    expect(lines.filter(({ msg }) => msg === 'a line').length + (loss?.lost ?? 0)).toBe(10_010);
  });

  test('does not keep its program from ending', async () => {
    const writer = startWriter('pipe');
    await writer.log(5000);
    expect(await writer.end()).toBe(0);
  });

  test('whose reader has gone ends nobody', async () => {
    const writer = startWriter('pipe');
    writer.child.stderr?.destroy();
    await writer.log(10);
    await writer.log(10);
    expect(await writer.end()).toBe(0);
  });
});

requireRoot('file systems of our own', 'mount')('a log on a disk that is full', () => {
  test('ends nobody, and is told of when there is space again', async () => {
    const disk = owned(await createDisk());
    const file = path.join(disk.state, 'log');
    const log = await open(file, 'a');
    const writer = startWriter(log.fd);
    await log.close();
    await writer.log(10);
    await disk.fill();
    await writer.log(100);
    await disk.free();
    await writer.log(1);
    expect(await writer.end()).toBe(0);
    const lines = linesOf(await readFile(file, 'utf8'));
    expect(lines.at(-1)).toMatchObject({ level: 'warn', msg: 'lines of the log were lost' });
    const lost = lines.at(-1)?.lost ?? 0;
    expect(lost).toBeGreaterThan(90);
    expect(lines.filter(({ msg }) => msg === 'a line').length + lost).toBe(111);
  });
});

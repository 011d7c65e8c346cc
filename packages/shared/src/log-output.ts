import { fstatSync, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';
import { reasonOf } from './errors.js';

/** Lines that wait for a reader. Characters. */
const maxWaiting = 1024 * 1024;

const standardError = 2;

/**
 * Standard error as a log's destination. Logging neither ends nor blocks a program: lines that a full disk does not take,
 * or that nobody reads in time, are lost and counted.
 * @param recovered hears, when lines are taken again, how many were lost and why
 */
export function logOutput(recovered: (lost: number, why: string) => void): DestinationStream {
  let lost = 0;
  let why = '';
  const lose = (reason: string): void => {
    lost += 1;
    why = reason;
  };
  const tell = (): void => {
    if (lost === 0) return;
    const count = lost;
    lost = 0;
    recovered(count, why);
  };

  function toFile(): DestinationStream {
    /** A line was written in part: the next one begins anew. */
    let torn = false;
    return {
      write(line) {
        const bytes = Buffer.from(torn ? `\n${line}` : line);
        try {
          const written = writeSync(standardError, bytes);
          torn = written > 0 ? written < bytes.length : torn;
          if (written < bytes.length) lose('it was written in part');
          else tell();
        } catch (error) {
          lose(reasonOf(error));
        }
      },
    };
  }

  /** Of pipes, sockets and terminals: Node does not wait for their readers. */
  function toReader(): DestinationStream {
    process.stderr.on('error', (error) => lose(reasonOf(error))).on('drain', tell);
    return {
      write(line) {
        if (process.stderr.writableLength > maxWaiting) lose('nobody reads them');
        else process.stderr.write(line);
      },
    };
  }

  return fstatSync(standardError).isFile() ? toFile() : toReader();
}

/** For the last lines to be read. Milliseconds. */
const lastWords = 1000;

/** To be called when a program that logs is at its end: who does not read its log does not keep it from ending. */
export function limitLastWords(): void {
  setTimeout(() => process.exit(), lastWords).unref();
}

import { Writable } from 'node:stream';
import { createLog, type Log } from '@callhome/shared/log.js';

/** A log whose lines a test can read. */
export interface CapturedLog {
  readonly log: Log;
  /** All lines so far. */
  text(): string;
  /** Resolves with the next line that has this code or message. */
  next(wanted: string): Promise<Record<string, unknown>>;
}

export function captureLog(): CapturedLog {
  let text = '';
  let waiting: { wanted: string; found: (line: Record<string, unknown>) => void }[] = [];
  const lines = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      const line = JSON.parse(String(chunk));
      const met = waiting.filter(({ wanted }) => line.code === wanted || line.msg === wanted);
      waiting = waiting.filter((one) => !met.includes(one));
      for (const { found } of met) found(line);
      done();
    },
  });
  return {
    log: createLog('test', lines),
    text: () => text,
    next: (wanted) => new Promise((found) => waiting.push({ wanted, found })),
  };
}

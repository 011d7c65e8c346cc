import path from 'node:path';
import { z } from 'zod';
import { type Program, startProgram } from './program.js';

const logLine = z.looseObject({ level: z.string(), msg: z.string() });
export type LogLine = z.infer<typeof logLine>;

/** What runs a program's file: Node, perhaps with options, perhaps inside something else. */
export type Runner = readonly [string, ...string[]];

/** Node itself. */
export const node: Runner = [process.execPath];

/** One of our programs, with its log. */
export interface LoggedProgram extends Program {
  /** Waits for the first line of the log that has these members, or the nth: it may be there already. */
  logged(wanted: Readonly<Record<string, unknown>>, nth?: number): Promise<LogLine>;
  /** The lines so far that have these members. */
  lines(wanted: Readonly<Record<string, unknown>>): LogLine[];
}

/** The path of a program's committed bin. */
export function binOf(program: 'agent' | 'nms'): string {
  return path.resolve('packages', program, 'bin', `callhome-${program}.js`);
}

function has(line: LogLine, wanted: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(wanted).every(([name, value]) => line[name] === value);
}

/** Starts one of our programs. */
export async function startLoggedProgram(
  program: 'agent' | 'nms',
  args: readonly string[],
  [command, ...before]: Runner = node,
): Promise<LoggedProgram> {
  const lines: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  const running = await startProgram(command, [...before, binOf(program), ...args], {
    onLine(text) {
      if (!text.startsWith('{')) return;
      const line = logLine.parse(JSON.parse(text));
      lines.push(line);
      for (const look of waiting) look(line);
    },
  });
  return {
    ...running,
    lines: (wanted) => lines.filter((line) => has(line, wanted)),
    async logged(wanted, nth = 1) {
      const there = lines.filter((line) => has(line, wanted));
      const found = there[nth - 1];
      if (found) return found;
      let missing = nth - there.length;
      const coming = new Promise<LogLine>((resolve) => {
        const look = (line: LogLine): void => {
          if (!has(line, wanted)) return;
          missing -= 1;
          if (missing > 0) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
      });
      return running.expect(JSON.stringify(wanted), coming);
    },
  };
}

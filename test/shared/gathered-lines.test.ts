import { gatherLines } from '@callhome/shared/gathered-lines.js';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The lines that are written, with how many others each stands for. */
function createLines() {
  const written: string[] = [];
  const lines = gatherLines();
  const add = (source: string, kind: string, line: string): void =>
    lines.add(
      source,
      kind,
      (others) => void written.push(others === 0 ? line : `${line} and ${others} others`),
    );
  return { lines, add, written };
}

it('writes the first three lines at once, and those that follow as one', () => {
  const { add, written } = createLines();
  for (let line = 1; line <= 1000; line += 1) add('a', 'x', `line ${line}`);
  expect(written).toEqual(['line 1', 'line 2', 'line 3']);
  vi.advanceTimersByTime(10_000);
  expect(written.slice(3)).toEqual(['line 1000 and 996 others']);
  add('a', 'x', 'later');
  expect(written.at(-1)).toBe('later');
});

it('writes a single line once', () => {
  const { add, written } = createLines();
  add('a', 'x', 'line');
  vi.advanceTimersByTime(20_000);
  expect(written).toEqual(['line']);
});

it('tells sources and kinds apart', () => {
  const { add, written } = createLines();
  add('a', 'x', '1');
  add('b', 'x', '2');
  add('a', 'y', '3');
  expect(written).toEqual(['1', '2', '3']);
});

it('tells so many apart, and the others by their kind', () => {
  const { lines, add, written } = createLines();
  for (let source = 0; source < 10_000; source += 1) add(`source ${source}`, 'x', `${source}`);
  expect(written.length).toBe(103);
  lines.flush();
  expect(written.length).toBe(104);
  expect(written.at(-1)).toBe('9999 and 9896 others');
});

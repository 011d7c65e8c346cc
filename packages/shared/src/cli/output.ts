import { once } from 'node:events';
import { inert } from '../inert.js';

/** Writes a piece of the command's result, as fast as standard output takes it. */
export async function writeResult(piece: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
}

/** One value for programs. */
export function writeJson(value: unknown): Promise<void> {
  return writeResult(`${JSON.stringify(value, null, 2)}\n`);
}

/** Rows, some of whose text is from devices, with padded columns under a head on a terminal; tab-separated and without a head on a pipe. */
export function writeTable(
  rows: readonly (readonly string[])[],
  head?: readonly string[],
  terminal: boolean = process.stdout.isTTY,
): Promise<void> {
  const cells = rows.map((row) => row.map((cell) => inert(cell, '?')));
  if (!terminal) return writeResult(cells.map((row) => `${row.join('\t')}\n`).join(''));
  const lines = head ? [head, ...cells] : cells;
  const widths: number[] = [];
  for (const line of lines) {
    for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const padded = lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return writeResult(padded.map((line) => `${line}\n`).join(''));
}

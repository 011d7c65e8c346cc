import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Figures, Measurement } from './measurements.js';

/** What was measured of one NMS, once. */
export interface Run {
  readonly round: number;
  readonly measurement: string;
  readonly nms: string;
  readonly figures: Figures;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

const threeDigits = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));

/** A table in Markdown, its columns aligned. */
function table(rows: readonly (readonly string[])[]): string {
  const [header = []] = rows;
  const widths = header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[], fill: string) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  const [first, ...rest] = rows.map((row) => line(row, ' '));
  return [first, line([], '-'), ...rest].join('\n');
}

/** The medians of a measurement's runs, each with the ratio of the first NMS's to it. */
function resultTable(title: string, runs: readonly Run[]): string {
  const columns = Object.keys(runs[0]?.figures ?? {});
  const medianOf = (nms: string | undefined, column: string) =>
    median(runs.flatMap((run) => (run.nms === nms ? (run.figures[column] ?? []) : [])));
  const [first, ...others] = new Set(runs.map(({ nms }) => nms));
  const compared = (nms: string, column: string): string => {
    const value = medianOf(nms, column);
    return `${threeDigits(value)} (${threeDigits(medianOf(first, column) / value)} ×)`;
  };
  return table([
    [title, ...columns],
    [first ?? '', ...columns.map((column) => threeDigits(medianOf(first, column)))],
    ...others.map((nms) => [nms, ...columns.map((column) => compared(nms, column))]),
  ]);
}

/** What the figures hold for. */
export function machine(): { cpu: string; cores: number; memoryKb: number; node: string; kernel: string } {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryKb: Number(/^MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]),
    node: process.version,
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
  };
}

/** A table for each measurement; `(2 ×)`: that of its first line is twice this. */
export function tables(mix: readonly Measurement[], runs: readonly Run[]): string {
  const all = mix.map(({ name, title }) =>
    resultTable(
      title,
      runs.filter(({ measurement }) => measurement === name),
    ),
  );
  return `${all.join('\n\n')}\n`;
}

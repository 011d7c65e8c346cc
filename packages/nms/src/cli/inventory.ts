import { extname } from 'node:path';
import { CallhomeError } from '@callhome/shared/errors.js';
import { readLines } from '@callhome/shared/lines.js';
import { Option } from 'commander';
import { maxInventoryLine } from '../northbound/http/schemas.js';

/** The forms of an inventory. */
export const formats = ['csv', 'jsonl'] as const;

export type Format = (typeof formats)[number];

const byName: ReadonlyMap<string, Format> = new Map([
  ['.csv', 'csv'],
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
]);

/** The option that says the form of an inventory. */
export function formatOption(): Option {
  return new Option(
    '--format <format>',
    "CSV or JSON lines (default: by the file's name: .csv, .jsonl, .ndjson)",
  ).choices(formats);
}

/** The form that is given, or that of a file by its name. @throws CALLHOME_USAGE */
export function formatOf(file: string, given: Format | undefined): Format {
  const format = given ?? byName.get(extname(file).toLowerCase());
  if (format !== undefined) return format;
  throw new CallhomeError('CALLHOME_USAGE', {
    problem: `give --format csv or --format jsonl: ${file === '-' ? 'a pipe has no name' : `the name ${file} does not say which`}`,
  });
}

/** A row of an inventory as the API takes it, or why it is none, and the line where it begins. */
export type ReadRow = { readonly line: number } & ({ readonly row: unknown } | { readonly problem: string });

function parsed(line: number, text: string): ReadRow {
  try {
    const row: unknown = JSON.parse(text);
    return { line, row };
  } catch {
    return { line, problem: 'the line is not JSON' };
  }
}

/** The rows of JSON lines; empty ones are passed over. @throws CALLHOME_INVENTORY_INVALID where there is nothing, naming `file` */
export async function* readJsonRows(pieces: AsyncIterable<Buffer>, file: string): AsyncGenerator<ReadRow> {
  let isEmpty = true;
  for await (const line of readLines(pieces, maxInventoryLine)) {
    if ('text' in line && line.text.trim() === '') continue;
    isEmpty = false;
    yield 'text' in line ? parsed(line.number, line.text) : { line: line.number, problem: line.problem };
  }
  if (isEmpty) throw new CallhomeError('CALLHOME_INVENTORY_INVALID', { file, why: 'it is empty' });
}

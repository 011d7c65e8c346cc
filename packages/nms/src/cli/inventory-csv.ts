/** Inventories as CSV (RFC 4180). An empty cell takes away what it is about; a label's that is quoted is an empty text. */
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { readLines } from '@callhome/shared/lines.js';
import { CsvError, type Parser, parse } from 'csv-parse';
import { type InventoryRow, maxInventoryLine } from '../northbound/http/schemas.js';
import { deviceSettings } from '../registry/settings.js';
import type { ReadRow } from './inventory.js';

const settings: readonly string[] = deviceSettings.keyof().options;
const columns: readonly string[] = ['id', 'hostKeys', 'profile', 'description', ...settings];
const label = 'label:';
const maxColumns = 1000;

/** Null where it is empty and not quoted. */
type Cell = string | null;

const faults: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'a closing quote has more behind it than a comma or the end of the line',
  INVALID_OPENING_QUOTE: 'a cell has a quote in it and does not begin with one',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${maxInventoryLine} bytes: perhaps a quote is not closed`,
};

/** What is wrong with a header, as it goes behind "the header"; undefined for one that is right. */
function headerProblem(names: readonly string[]): string | undefined {
  const unknown = names.filter((name) => !columns.includes(name) && !name.startsWith(label));
  if (names.length > maxColumns) return `has ${names.length} columns, more than ${maxColumns}`;
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  if (twice.length > 0) return `has a column twice: ${twice.join(', ')}`;
  if (!names.includes('id'))
    return `has no column id: the first line must name the columns, separated by commas`;
  if (unknown.length > 0)
    return `has columns that are unknown: ${unknown.join(', ')}; there are ${columns.join(', ')} and ${label}NAME`;
  return undefined;
}

/** A number as such; anything else is left to the API to refuse. */
function settingOf(name: string, cell: Cell): Cell | number {
  return cell !== null && name !== 'user' && /^\d+$/.test(cell) ? Number(cell) : cell;
}

function rowOf(header: readonly string[], cells: readonly Cell[]): object {
  const row = new Map<string, unknown>();
  const own: [string, unknown][] = [];
  const labels: [string, unknown][] = [];
  for (const [index, name] of header.entries()) {
    const cell = cells[index] ?? null;
    const said = cell === '' ? null : cell;
    if (name.startsWith(label)) labels.push([name.slice(label.length), cell]);
    else if (settings.includes(name)) own.push([name, settingOf(name, said)]);
    else if (name !== 'hostKeys') row.set(name, said);
    else {
      const keys = (said ?? '').split(/[;\n]/).map((key) => key.trim());
      row.set(
        name,
        keys.filter((key) => key !== ''),
      );
    }
  }
  return {
    ...Object.fromEntries(row),
    settings: Object.fromEntries(own),
    labels: Object.fromEntries(labels),
  };
}

/** Resolves when the parser has worked through the text. */
function write(parser: Parser, text: string): Promise<void> {
  return new Promise((resolve, reject) => parser.write(text, (error) => (error ? reject(error) : resolve())));
}

function end(parser: Parser): Promise<void> {
  return new Promise((resolve, reject) => {
    parser.once('error', reject).once('end', resolve);
    parser.resume().end();
  });
}

/**
 * The rows of CSV, while it arrives.
 * @throws CALLHOME_INVENTORY_INVALID, naming `file`, where it cannot be read on; the rows before that have come
 */
export async function* readCsvRows(pieces: AsyncIterable<Buffer>, file: string): AsyncGenerator<ReadRow> {
  let header: readonly string[] | undefined;
  const rows: ReadRow[] = [];
  /** Lines of the records so far. */
  let lines = 0;
  const nextLine = () => lines + parser.info.empty_lines + 1;
  const fail = (line: number, why: string, cause?: unknown) =>
    new CallhomeError('CALLHOME_INVENTORY_INVALID', { file, line, why }, cause);

  function take(cells: readonly Cell[]): null {
    const line = nextLine();
    for (const cell of cells) lines += cell?.split('\n').length ?? 1;
    lines -= cells.length - 1;
    if (header === undefined) {
      header = cells.map((cell) => cell ?? '');
      const problem = headerProblem(header);
      if (problem !== undefined) throw fail(line, `the header ${problem}`);
    } else if (cells.length === header.length) rows.push({ line, row: rowOf(header, cells) });
    else rows.push({ line, problem: `the row has ${cells.length} cells, and the header ${header.length}` });
    return null;
  }

  const parser = parse({
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxInventoryLine,
    cast: (cell, { quoting }) => (cell === '' && !quoting ? null : cell),
    on_record: take,
  });
  // Told to whoever writes.
  parser.on('error', () => undefined);

  async function* all(): AsyncGenerator<ReadRow> {
    for await (const line of readLines(pieces, maxInventoryLine)) {
      if ('problem' in line) throw fail(line.number, line.problem);
      await write(parser, `${line.text}\n`);
      yield* rows.splice(0);
    }
    await end(parser);
  }

  try {
    yield* all();
  } catch (error) {
    yield* rows.splice(0);
    if (error instanceof CsvError) throw fail(nextLine(), faults[error.code] ?? reasonOf(error), error);
    throw error;
  }
  yield* rows.splice(0);
  if (header === undefined)
    throw new CallhomeError('CALLHOME_INVENTORY_INVALID', { file, why: 'it is empty: there is no header' });
}

function written(cell: Cell | number): string {
  const text = cell === null ? '' : String(cell);
  const isPlain = cell === null || /^[^\s",;]([^",;\r\n]*[^\s",;])?$/.test(text);
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`;
}

/**
 * Writes an inventory as CSV: each label that a device has is a column, so all of them are read first.
 * @throws CALLHOME_INVENTORY_INVALID where there are too many labels for that
 */
export async function* writeCsv(rows: AsyncIterable<InventoryRow>): AsyncGenerator<string> {
  const all: InventoryRow[] = [];
  const names = new Set<string>();
  for await (const row of rows) {
    all.push(row);
    for (const name of Object.keys(row.labels ?? {})) names.add(name);
  }
  const labels = [...names].sort();
  if (columns.length + labels.length > maxColumns)
    throw new CallhomeError('CALLHOME_INVENTORY_INVALID', {
      file: 'CSV',
      why: `${labels.length} labels are more columns than import takes: give --format jsonl`,
    });
  const line = (cells: readonly (Cell | number)[]) => `${cells.map(written).join(',')}\n`;
  yield line([...columns, ...labels.map((name) => label + name)]);
  for (const { id, hostKeys = [], profile, description, settings: own, labels: said } of all) {
    const values = new Map<string, Cell | number | undefined>(Object.entries(own ?? {}));
    const marks = new Map<string, Cell>(Object.entries(said ?? {}));
    yield line([
      id,
      hostKeys.join(';') || null,
      profile ?? null,
      description ?? null,
      ...settings.map((name) => values.get(name) ?? null),
      ...labels.map((name) => marks.get(name) ?? null),
    ]);
  }
}

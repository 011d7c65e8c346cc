import { readInputPieces } from '@callhome/shared/cli/input.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { inert } from '@callhome/shared/inert.js';
import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../northbound/http/client.js';
import type { ImportCounts } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';
import { exitStatus } from './exit-status.js';
import { type Format, formatOf, formatOption, type ReadRow, readJsonRows } from './inventory.js';
import { readCsvRows } from './inventory-csv.js';

/** What is sent at once: so many rows, or so many characters where they are long. */
const batch = { rows: 500, length: 1024 * 1024 } as const;

const withId = z.object({ id: z.string() });

/** What an import tells while it goes on, on standard error. */
function tellOnErrors() {
  const isTerminal = process.stderr.isTTY;
  const clear = () => void (isTerminal && process.stderr.write('\r\u001b[K'));
  return {
    failed(line: number, why: string): void {
      clear();
      process.stderr.write(`line ${line}: ${inert(why, ' ')}\n`);
    },
    progress(rows: number): void {
      if (isTerminal) process.stderr.write(`\r${rows} rows`);
    },
    clear,
  };
}

/** Imports rows as far as they can be read. @throws what they and the API fail with */
async function importRows(
  api: Pick<ApiClient, 'importDevices'>,
  rows: AsyncIterable<ReadRow>,
  counts: Record<keyof ImportCounts, number>,
): Promise<void> {
  const tell = tellOnErrors();
  const seen = new Map<string, number>();
  let sent: { readonly line: number; readonly text: string }[] = [];
  let failures: { readonly line: number; readonly why: string }[] = [];
  let length = 0;

  async function flush(): Promise<void> {
    const [lines, refused] = [sent, failures];
    sent = [];
    failures = [];
    length = 0;
    if (lines.length > 0) {
      const done = await api.importDevices(lines.map(({ text }) => `${text}\n`).join(''));
      for (const kind of ['added', 'changed', 'unchanged', 'failed'] as const)
        counts[kind] += done.counts[kind];
      for (const { line, message } of done.failures)
        refused.push({ line: lines[line - 1]?.line ?? 0, why: message });
    }
    for (const { line, why } of refused.sort((a, b) => a.line - b.line)) tell.failed(line, why);
    tell.progress(Object.values(counts).reduce((sum, count) => sum + count, 0));
  }

  function refuse(line: number, why: string): void {
    counts.failed += 1;
    failures.push({ line, why });
  }

  function take(read: ReadRow): void {
    if ('problem' in read) {
      refuse(read.line, read.problem);
      return;
    }
    const { line, row } = read;
    const id = withId.safeParse(row).data?.id;
    const earlier = id === undefined ? undefined : seen.get(id);
    if (earlier !== undefined) {
      refuse(line, `line ${earlier} has the same id`);
      return;
    }
    if (id !== undefined) seen.set(id, line);
    const text = JSON.stringify(row);
    length += text.length;
    sent.push({ line, text });
  }

  try {
    for await (const read of rows) {
      take(read);
      if (sent.length + failures.length >= batch.rows || length >= batch.length) await flush();
    }
  } finally {
    await flush().finally(tell.clear);
  }
}

/** `import`: an inventory of devices. */
export function addImport(program: Command): void {
  addApiOptions(program.command('import'))
    .summary('make the devices of a file known, or change them')
    .description(
      'Adds each device of an inventory, or changes it to what its row says. What a row leaves out stays as it is, and so ' +
        'do host keys where it has none; null, in CSV an empty cell, takes away. Rows that fail are told with their lines, ' +
        'and the others are in. A second import of the same file changes nothing.\n\n' +
        "CSV has a header: id, and of hostKeys (OpenSSH's form, separated by ; or line ends), profile, description, the " +
        'settings by their names (user, keepaliveMaxWaitSeconds, keepaliveMaxAttempts, replyTimeoutSeconds, maxSessions) ' +
        'and label:NAME those that there are. JSON lines have the same names, hostKeys an array, settings and labels ' +
        'objects.',
    )
    .argument('[file]', 'what to import; - is standard input', '-')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms import fleet.csv
  $ inventory-tool --json | callhome-nms import --format jsonl`,
    )
    .action(async (file: string, { format, ...where }: ApiOptions & { format?: Format }) => {
      const readRows = formatOf(file, format) === 'csv' ? readCsvRows : readJsonRows;
      const api = await openApi(where);
      const counts = { added: 0, changed: 0, unchanged: 0, failed: 0 };
      try {
        await importRows(
          api,
          readRows(readInputPieces(file), file === '-' ? 'standard input' : file),
          counts,
        );
      } finally {
        const said = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
        await writeResult(`${said.join(', ')}\n`);
      }
      if (counts.failed > 0) process.exitCode = exitStatus.failed;
    });
}

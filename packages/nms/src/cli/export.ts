import { writeResult } from '@callhome/shared/cli/output.js';
import { writeNewFile } from '@callhome/shared/files.js';
import type { Command } from 'commander';
import type { InventoryRow } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';
import { type Format, formatOf, formatOption } from './inventory.js';
import { writeCsv } from './inventory-csv.js';

async function* writeJsonLines(rows: AsyncIterable<InventoryRow>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** `export`: all devices, as `import` takes them. */
export function addExport(program: Command): void {
  addApiOptions(program.command('export'))
    .summary('write all devices to a file')
    .description(
      'Writes what operators said of all devices, as `import` takes it: ids, public host keys, profiles, descriptions, ' +
        'settings and labels. The file is new, of mode 0600; a file that exists is left alone.',
    )
    .argument('[file]', 'where to; - is standard output', '-')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms export fleet.csv
  $ callhome-nms export --format jsonl | jq -r 'select(.labels.site == "berlin").id'`,
    )
    .action(async (file: string, { format, ...where }: ApiOptions & { format?: Format }) => {
      const write = formatOf(file, format) === 'csv' ? writeCsv : writeJsonLines;
      const pieces = write((await openApi(where)).exportDevices());
      if (file !== '-') return writeNewFile(file, pieces);
      for await (const piece of pieces) await writeResult(piece);
    });
}

import { writeJson, writeTable } from '@callhome/shared/cli/output.js';
import type { Command } from 'commander';
import type { StatusView } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';

function rowsOf({ counters, ...single }: StatusView): string[][] {
  return [
    ...Object.entries(single).map(([name, value]) => [name, String(value)]),
    ...Object.entries(counters)
      .toSorted(([one], [other]) => one.localeCompare(other))
      .map(([name, count]) => [`counter.${name}`, String(count)]),
  ];
}

/** `status`: the collector itself. */
export function addStatus(program: Command): void {
  addApiOptions(program.command('status'))
    .summary('show what the running collector does')
    .description(
      'Shows the running collector: its version, since when it runs, how many devices it knows and how many of them are ' +
        'connected, and how often each kind of thing has happened since its start. Separated by tabs on a pipe.',
    )
    .option('--json', 'an object')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms status
  $ callhome-nms status --json | jq .connected`,
    )
    .action(async (options: ApiOptions & { json?: true }) => {
      const status = await (await openApi(options)).status();
      if (options.json) await writeJson(status);
      else await writeTable(rowsOf(status));
    });
}

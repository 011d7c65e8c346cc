import { writeJson, writeTable } from '@callhome/shared/cli/output.js';
import { type Command, InvalidArgumentError } from 'commander';
import { type ConnectionView, maxHistory } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';
import { durationText } from './duration.js';

interface HistoryOptions extends ApiOptions {
  readonly json?: true;
  readonly limit: number;
}

function limitArgument(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > maxHistory)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${maxHistory}.`);
  return limit;
}

function rowOf({ from, to, seconds, remoteAddress, hostKey, bytes, reason }: ConnectionView): string[] {
  return [
    from,
    to ?? '-',
    durationText(seconds),
    remoteAddress,
    bytes ? String(bytes.received) : '-',
    bytes ? String(bytes.sent) : '-',
    hostKey,
    to === null ? 'connected' : (reason ?? '-'),
  ];
}

/** `device history`: the connections of a device. */
export function addHistory(device: Command): void {
  addApiOptions(device.command('history'))
    .summary('list the connections that a device has had')
    .description(
      'Lists the connections of a device, the last one first: from, to, for how long, from which address, how many bytes ' +
        'came from it and went to it, the host key that it proved, and why it ended. A table on a terminal, separated ' +
        'by tabs on a pipe.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .option('--json', 'an array of objects')
    .option('--limit <number>', 'at most so many', limitArgument, 100)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device history router1
  $ callhome-nms device history router1 --limit 1 --json | jq -r '.[0].reason'`,
    )
    .action(async (id: string, { json, limit, ...where }: HistoryOptions) => {
      const connections = await (await openApi(where)).history(id, { limit });
      if (json) await writeJson(connections);
      else
        await writeTable(connections.map(rowOf), [
          'FROM',
          'TO',
          'DURATION',
          'ADDRESS',
          'RECEIVED',
          'SENT',
          'HOST KEY',
          'ENDED',
        ]);
    });
}

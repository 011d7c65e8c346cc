import { writeJson, writeResult, writeTable } from '@callhome/shared/cli/output.js';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DeviceView, maxDownForSeconds } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';
import { deviceOrders, type Order } from './device-orders.js';
import { devicesSummary } from './devices-summary.js';
import { secondsArgument } from './duration.js';

interface DevicesOptions extends ApiOptions {
  readonly json?: true;
  readonly state?: DeviceView['state'];
  readonly label?: readonly string[];
  readonly profile?: string;
  readonly downFor?: number;
  readonly sort: Order;
}

function addWanted(label: string, others: readonly string[] = []): readonly string[] {
  if (!/^[^=]+=/.test(label)) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return [...others, label];
}

/** Why it is not connected. */
function downText(down: DeviceView['down']): string | undefined {
  switch (down?.kind) {
    case 'never-called':
      return 'never called';
    case 'lost':
      return `lost${down.reason === null ? '' : `: ${down.reason}`}`;
    case 'refused':
      return `refused at ${down.at}: ${down.reason}`;
    default:
      return undefined;
  }
}

/** Why it is not connected, and what is odd about its connections. */
function reasonOf({ down, flapping, likelyClone }: DeviceView): string {
  const words = [
    flapping ? 'flapping' : undefined,
    likelyClone === null ? undefined : `likely two devices with one key: ${likelyClone} uses it too`,
    downText(down),
  ].filter((word) => word !== undefined);
  return words.length === 0 ? '-' : words.join('; ');
}

function rowOf(device: DeviceView): string[] {
  const { id, state, connectedAt, down, lastAttempt, remoteAddress, connections } = device;
  const from = down?.kind === 'refused' ? lastAttempt?.remoteAddress : remoteAddress;
  return [
    id,
    state,
    (state === 'connected' ? connectedAt : down?.since) ?? '-',
    from ?? '-',
    String(connections),
    reasonOf(device),
  ];
}

const head = ['DEVICE', 'STATE', 'SINCE', 'ADDRESS', 'CONNECTIONS', 'REASON'];

/** `devices`: who is there. */
export function addDevices(program: Command): void {
  addApiOptions(program.command('devices'))
    .summary('list the devices')
    .description(
      'Lists the devices that are known: id, state, since when, address, how many connections so far, and why it is not ' +
        'connected: it has never called, it was lost, or its last call was refused. A device that connects again and ' +
        'again is flapping. A table on a terminal, with a summary below it; separated by tabs on a pipe.',
    )
    .option('--json', 'an array of objects')
    .addOption(new Option('--state <state>', 'only those that are so').choices(['connected', 'disconnected']))
    .option(
      '--label <name=value>',
      'only those with this label; given several times, with all of them',
      addWanted,
    )
    .option('--profile <profile>', 'only those with this profile')
    .option(
      '--down-for <time>',
      'only those that have not been there for so long: 30s, 5m, 2h, 7d',
      secondsArgument(maxDownForSeconds),
    )
    .addOption(
      new Option(
        '--sort <order>',
        'by id; by state, those that are not connected first; by since, the longest first; by connections, the most first',
      )
        .choices(Object.keys(deviceOrders))
        .default('id'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms devices
  $ callhome-nms devices --down-for 1h --label site=berlin --sort since
  $ callhome-nms devices --state connected | cut -f1
  $ callhome-nms devices --json | jq -r '.[] | select(.down.kind == "refused").id'`,
    )
    .action(async ({ json, state, label, profile, downFor, sort, ...where }: DevicesOptions) => {
      const found = await (await openApi(where)).devices({
        state,
        label,
        profile,
        downFor,
        capabilities: json === true,
      });
      const devices = found.toSorted(deviceOrders[sort]);
      if (json) {
        await writeJson(devices);
        return;
      }
      await writeTable(devices.map(rowOf), head);
      if (process.stdout.isTTY) await writeResult(`${devicesSummary(devices)}\n`);
    });
}

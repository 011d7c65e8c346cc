import { writeJson, writeTable } from '@callhome/shared/cli/output.js';
import type { Command } from 'commander';
import type { DeviceView } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';

/** Why it is not connected, or what is odd about its connection. */
function reasonOf({ state, likelyClone, lastAttempt, reason }: DeviceView): string {
  if (likelyClone !== null) return `likely two devices with one key: ${likelyClone} uses it too`;
  if (state === 'connected') return '-';
  if (lastAttempt) return `the call at ${lastAttempt.at} failed: ${lastAttempt.reason}`;
  return reason ?? '-';
}

function rowOf(device: DeviceView): string[] {
  const connected = device.state === 'connected';
  return [
    device.id,
    device.state,
    (connected ? device.connectedAt : device.disconnectedAt) ?? '-',
    (connected ? device.remoteAddress : (device.lastAttempt ?? device).remoteAddress) ?? '-',
    String(device.connections),
    reasonOf(device),
  ];
}

/** `devices`: who is there. */
export function addDevices(program: Command): void {
  addApiOptions(program.command('devices'))
    .summary('list the devices')
    .description(
      'Lists the devices that are known: id, state, since when, address, how many connections so far, and why the last ' +
        'one ended. A table on a terminal, separated by tabs on a pipe.',
    )
    .option('--json', 'an array of objects')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms devices
  $ callhome-nms devices | cut -f1
  $ callhome-nms devices --json | jq -r '.[] | select(.state == "connected").id'`,
    )
    .action(async (options: ApiOptions & { json?: true }) => {
      const devices = await (await openApi(options)).devices();
      if (options.json) await writeJson(devices);
      else
        await writeTable(devices.map(rowOf), [
          'DEVICE',
          'STATE',
          'SINCE',
          'ADDRESS',
          'CONNECTIONS',
          'REASON',
        ]);
    });
}

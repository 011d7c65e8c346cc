import { writeJson, writeTable } from '@callhome/shared/cli/output.js';
import type { Command } from 'commander';
import type { DeviceView } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';
import { addHistory } from './device-history.js';
import { addDeviceKey } from './device-key.js';
import {
  addSettingsOptions,
  profileArgument,
  readHostKeys,
  settingsOf,
  writeKeys,
} from './device-options.js';
import { addDeviceRename, addDeviceSet } from './device-set.js';
import { addLabel, type Labels } from './labels.js';

function keyCell({ fingerprint, type, origin, learnedAt, provedAt }: DeviceView['hostKeys'][number]): string {
  return `${fingerprint} ${type} ${origin} ${learnedAt ?? '-'} proved ${provedAt ?? '-'}`;
}

function rowsOf(device: DeviceView): string[][] {
  const { capabilities, labels, hostKeys, lastAttempt, down, settings, ...single } = device;
  const rows = (prefix: string, object: object) =>
    Object.entries(object).map(([name, value]) => [prefix + name, value === null ? '-' : String(value)]);
  return [
    ...rows('', single),
    ...rows('down.', down ?? {}),
    ...rows('lastAttempt.', lastAttempt ?? {}),
    ...Object.entries(labels).map(([name, value]) => ['label', `${name}=${value}`]),
    ...Object.entries(settings).map(([name, value]) => [`settings.${name}`, String(value)]),
    ...hostKeys.map((key) => ['knownHostKey', keyCell(key)]),
    ...(capabilities ?? []).map((capability) => ['capability', capability]),
  ];
}

interface AddOptions extends ApiOptions {
  readonly hostKey: string;
  readonly profile?: string;
  readonly description?: string;
  readonly label?: Labels;
}

function addAdd(device: Command): void {
  addSettingsOptions(addApiOptions(device.command('add')))
    .summary('make a device known')
    .description(
      'Makes a device known by its host keys. It is let in as soon as it calls with one of them. The keys are public ' +
        "ones in OpenSSH's form, as `callhome-agent key`, `ssh-keyscan` and the .pub files give them. Settings that are not " +
        "given are its profile's, and where that has none, the configuration's.",
    )
    .argument('<device>', 'its id', deviceArgument)
    .requiredOption('--host-key <file>', 'its public host keys, one a line; - is standard input')
    .option('--profile <name>', 'whose settings it shares', profileArgument, 'default')
    .option('--description <text>', 'what it is, for people')
    .option('--label <name=value>', 'a label; may be given several times', addLabel)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device add router1 --host-key router1.pub --label site=berlin
  $ callhome-nms device add router1 --host-key router1.pub --profile core --description 'rack 7'
  $ ssh router1 cat /etc/ssh/ssh_host_ed25519_key.pub | callhome-nms device add router1 --host-key - --user netconf`,
    )
    .action(async (id: string, options: AddOptions) => {
      const { hostKey, profile, description, label } = options;
      const added = await (await openApi(options)).addDevice(id, {
        hostKeys: await readHostKeys(hostKey, id),
        profile,
        description,
        settings: settingsOf(options),
        labels: { ...label },
      });
      await writeKeys(added.hostKeys);
    });
}

function addShow(device: Command): void {
  addApiOptions(device.command('show'))
    .summary('show all that is known of a device')
    .description(
      'Shows a device: its state, its connection, why it is down where it is, its profile, the settings of its own, its ' +
        'labels, its capabilities, and its keys: how and when each came, and when the device last proved it. A row for ' +
        'each, separated by tabs on a pipe.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .option('--json', 'an object')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device show router1
  $ callhome-nms device show router1 --json | jq .state`,
    )
    .action(async (id: string, options: ApiOptions & { json?: true }) => {
      const shown = await (await openApi(options)).device(id);
      if (options.json) await writeJson(shown);
      else await writeTable(rowsOf(shown));
    });
}

function addRemove(device: Command): void {
  addApiOptions(device.command('remove'))
    .summary('forget a device')
    .description('Forgets a device and its keys, and ends its connection. It is not let in again.')
    .argument('<device>', 'its id', deviceArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device remove router1`,
    )
    .action(async (id: string, options: ApiOptions) => (await openApi(options)).removeDevice(id));
}

/** `device`: one device, known or not. */
export function addDevice(program: Command): void {
  const device = program
    .command('device')
    .summary('add, show, change or remove a device, or show its history')
    .description('Adds, shows, changes or removes a device, or shows its history.')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device add router1 --host-key router1.pub
  $ callhome-nms device show router1
  $ callhome-nms device history router1
  $ callhome-nms device set router1 --profile core --label site=berlin
  $ callhome-nms device key add router1 --host-key new.pub
  $ callhome-nms device rename router1 berlin-1
  $ callhome-nms device remove berlin-1`,
    );
  addAdd(device);
  addShow(device);
  addDeviceSet(device);
  addDeviceKey(device);
  addDeviceRename(device);
  addRemove(device);
  addHistory(device);
}

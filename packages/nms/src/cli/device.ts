import { readInput } from '@callhome/shared/cli/input.js';
import { writeJson, writeResult, writeTable } from '@callhome/shared/cli/output.js';
import { publicKeyLine, publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { type Command, InvalidArgumentError } from 'commander';
import type { DeviceView } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';

/** The largest file of public keys. Bytes. */
const maxKeyFile = 128 * 1024;

type Labels = Readonly<Record<string, string>>;

function addLabel(text: string, labels: Labels = {}): Labels {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...labels, [name]: value };
}

function rowsOf(device: DeviceView): string[][] {
  const { capabilities, labels, hostKeys, lastAttempt, settings, ...single } = device;
  return [
    ...Object.entries(single).map(([name, value]) => [name, value === null ? '-' : String(value)]),
    ...Object.entries(lastAttempt ?? {}).map(([name, value]) => [`lastAttempt.${name}`, value]),
    ...Object.entries(labels).map(([name, value]) => ['label', `${name}=${value}`]),
    ...hostKeys.map((key) => ['knownHostKey', `${key.fingerprint} ${key.type}`]),
    ...(capabilities ?? []).map((capability) => ['capability', capability]),
  ];
}

interface AddOptions extends ApiOptions {
  readonly hostKey: string;
  readonly user?: string;
  readonly label?: Labels;
}

function addAdd(device: Command): void {
  addApiOptions(device.command('add'))
    .summary('make a device known')
    .description(
      'Makes a device known by its host keys. It is let in as soon as it calls with one of them. The keys are public ' +
        "ones in OpenSSH's form, as `callhome-agent key`, `ssh-keyscan` and the .pub files give them.",
    )
    .argument('<device>', 'its id', deviceArgument)
    .requiredOption('--host-key <file>', 'its public host keys, one a line; - is standard input')
    .option('--user <name>', "whom the collector logs in as (default: the configuration's)")
    .option('--label <name=value>', 'a label; may be given several times', addLabel)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device add router1 --host-key router1.pub --label site=berlin
  $ ssh router1 cat /etc/ssh/ssh_host_ed25519_key.pub | callhome-nms device add router1 --host-key - --user netconf`,
    )
    .action(async (id: string, { hostKey, user, label, ...where }: AddOptions) => {
      const what = hostKey === '-' ? 'standard input' : hostKey;
      const keys = publicKeysFromText(await readInput(hostKey, maxKeyFile), what);
      const added = await (await openApi(where)).addDevice(id, {
        hostKeys: keys.map((key) => publicKeyLine(key, id)),
        labels: { ...label },
        ...(user === undefined ? {} : { user }),
      });
      await writeResult(added.hostKeys.map((key) => `${key.fingerprint} ${key.type}\n`).join(''));
    });
}

function addShow(device: Command): void {
  addApiOptions(device.command('show'))
    .summary('show all that is known of a device')
    .description('Shows a device: its state, its connection, its keys, its labels and its capabilities.')
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
    .summary('add, show or remove a device')
    .description('Adds, shows or removes a device.')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device add router1 --host-key router1.pub
  $ callhome-nms device show router1
  $ callhome-nms device remove router1`,
    );
  addAdd(device);
  addShow(device);
  addRemove(device);
}

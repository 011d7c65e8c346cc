import { writeJson } from '@callhome/shared/cli/output.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { Command } from 'commander';
import type { DeviceChangeRequest } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';
import { addSettingsChangeOptions, profileArgument, settingsChangeOf } from './device-options.js';
import { addLabel, type Labels } from './labels.js';

interface SetOptions extends ApiOptions {
  readonly profile?: string;
  readonly description?: string;
  readonly label?: Labels;
  readonly unlabel?: readonly string[];
  readonly unset?: readonly string[];
  readonly reconnect?: true;
  readonly json?: true;
}

function addUnlabel(name: string, former: readonly string[] = []): readonly string[] {
  return [...former, name];
}

/** @throws CALLHOME_USAGE for a label that is given and taken away */
function labelChange(label: Labels = {}, unlabel: readonly string[] = []): Record<string, string | null> {
  const both = unlabel.find((name) => Object.hasOwn(label, name));
  if (both !== undefined)
    throw new CallhomeError('CALLHOME_USAGE', {
      problem: `--label ${both}=… and --unlabel ${both} contradict each other`,
    });
  return { ...label, ...Object.fromEntries(unlabel.map((name) => [name, null])) };
}

function changeOf(options: SetOptions): DeviceChangeRequest {
  const { profile, description, label, unlabel } = options;
  const settings = settingsChangeOf(options);
  const labels = labelChange(label, unlabel);
  return {
    ...(profile !== undefined && { profile }),
    ...(description !== undefined && { description: description === '' ? null : description }),
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}

/** `device set`: a device changes in place. */
export function addDeviceSet(device: Command): void {
  addSettingsChangeOptions(addApiOptions(device.command('set')))
    .summary('change what is said of a device')
    .description(
      'Changes what the options say, and leaves all else as it is: keys, history, connection. Settings hold from the ' +
        "device's next connection on, or at once with --reconnect. A setting that is taken away is its profile's again.",
    )
    .argument('<device>', 'its id', deviceArgument)
    .option('--profile <name>', 'whose settings it shares', profileArgument)
    .option('--description <text>', "what it is, for people; '' takes it away")
    .option('--label <name=value>', 'a label; may be given several times', addLabel)
    .option('--unlabel <name>', 'take a label away; may be given several times', addUnlabel)
    .option('--json', 'print the device as it is then: an object')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device set router1 --profile core --label site=berlin --unlabel rack
  $ callhome-nms device set router1 --user netconf --reconnect
  $ callhome-nms device set router1 --unset user --unset max-sessions
  $ callhome-nms device set router1 --reconnect`,
    )
    .action(async (id: string, options: SetOptions) => {
      const change = changeOf(options);
      if (Object.keys(change).length === 0 && !options.reconnect)
        throw new CallhomeError('CALLHOME_USAGE', {
          problem: 'nothing was said that is to change: see `callhome-nms device set --help`',
        });
      const changed = await (await openApi(options)).changeDevice(id, change, options.reconnect ?? false);
      if (options.json) await writeJson(changed);
    });
}

/** `device rename`: another id, and all that is known stays. */
export function addDeviceRename(device: Command): void {
  addApiOptions(device.command('rename'))
    .summary('give a device another id')
    .description(
      'Gives a device another id. Its keys, its labels, its settings and its history stay. Its connection ends, and it is ' +
        'connected under the new id as soon as it calls again.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .argument('<new>', 'its new id', deviceArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms device rename router1 berlin-1`,
    )
    .action(async (id: string, to: string, options: ApiOptions) => {
      await (await openApi(options)).renameDevice(id, to);
    });
}

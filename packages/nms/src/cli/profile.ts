import { writeJson, writeTable } from '@callhome/shared/cli/output.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { Command } from 'commander';
import type { ProfileView } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';
import {
  addSettingsChangeOptions,
  addSettingsOptions,
  profileArgument,
  settingsChangeOf,
  settingsOf,
} from './device-options.js';

interface JsonOptions extends ApiOptions {
  readonly json?: true;
}

interface SetOptions extends JsonOptions {
  readonly unset?: readonly string[];
  readonly reconnect?: true;
}

const jsonOption = ['--json', 'print the profile as it is then: an object'] as const;

function rowOf({ name, devices, settings }: ProfileView): string[] {
  const { user, keepaliveMaxWaitSeconds, keepaliveMaxAttempts, replyTimeoutSeconds, maxSessions } = settings;
  const all = [user, keepaliveMaxWaitSeconds, keepaliveMaxAttempts, replyTimeoutSeconds, maxSessions];
  return [name, String(devices), ...all.map((value) => String(value ?? '-'))];
}

function rowsOf({ name, devices, settings }: ProfileView): string[][] {
  return Object.entries({ name, devices, ...settings }).map(([key, value]) => [key, String(value)]);
}

function addAdd(profile: Command): void {
  addSettingsOptions(addApiOptions(profile.command('add')))
    .summary('make a profile')
    .description(
      'Makes a profile of the settings that are given. What neither it nor a device says is as the configuration says. ' +
        'Devices get it with `device add --profile` and `device set --profile`.',
    )
    .argument('<profile>', 'its name', profileArgument)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms profile add core --user netconf --keepalive-max-wait 10
  $ callhome-nms profile add old-boxes --reply-timeout 300 --max-sessions 1`,
    )
    .action(async (name: string, options: JsonOptions) => {
      const added = await (await openApi(options)).addProfile(name, { settings: settingsOf(options) });
      if (options.json) await writeJson(added);
    });
}

function addSet(profile: Command): void {
  addSettingsChangeOptions(addApiOptions(profile.command('set')))
    .summary('change the settings of a profile')
    .description(
      'Changes the settings that are given, and leaves the others as they are. They hold from the next connection of each ' +
        'device on, or at once with --reconnect, which ends the connections of all devices of the profile.',
    )
    .argument('<profile>', 'its name', profileArgument)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms profile set core --user admin
  $ callhome-nms profile set core --unset keepalive-max-wait --reconnect`,
    )
    .action(async (name: string, options: SetOptions) => {
      const settings = settingsChangeOf(options);
      const { reconnect = false } = options;
      const isChange = Object.keys(settings).length > 0;
      if (!isChange && !reconnect)
        throw new CallhomeError('CALLHOME_USAGE', {
          problem: 'nothing was said that is to change: see `callhome-nms profile set --help`',
        });
      const changed = await (await openApi(options)).changeProfile(
        name,
        isChange ? { settings } : {},
        reconnect,
      );
      if (options.json) await writeJson(changed);
    });
}

function addList(profile: Command): void {
  addApiOptions(profile.command('list'))
    .summary('list the profiles')
    .description(
      'Lists the profiles: name, how many devices have it, and its settings in the order of the options that give them. ' +
        '`default` is made of the configuration, and is that of devices that have no other.',
    )
    .option('--json', 'an array of objects')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms profile list
  $ callhome-nms profile list --json | jq -r '.[].name'`,
    )
    .action(async (options: JsonOptions) => {
      const profiles = await (await openApi(options)).profiles();
      if (options.json) await writeJson(profiles);
      else
        await writeTable(profiles.map(rowOf), [
          'PROFILE',
          'DEVICES',
          'USER',
          'KEEPALIVE-MAX-WAIT',
          'KEEPALIVE-MAX-ATTEMPTS',
          'REPLY-TIMEOUT',
          'MAX-SESSIONS',
        ]);
    });
}

function addShow(profile: Command): void {
  addApiOptions(profile.command('show'))
    .summary('show a profile')
    .description('Shows a profile: its settings, and how many devices have it.')
    .argument('<profile>', 'its name', profileArgument)
    .option('--json', 'an object')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms profile show core
  $ callhome-nms profile show default --json | jq .settings.user`,
    )
    .action(async (name: string, options: JsonOptions) => {
      const shown = await (await openApi(options)).profile(name);
      if (options.json) await writeJson(shown);
      else await writeTable(rowsOf(shown));
    });
}

function addRemove(profile: Command): void {
  addApiOptions(profile.command('remove'))
    .summary('remove a profile')
    .description('Removes a profile that no device has.')
    .argument('<profile>', 'its name', profileArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms profile remove core`,
    )
    .action(async (name: string, options: ApiOptions) => (await openApi(options)).removeProfile(name));
}

/** `profile`: settings that devices share. */
export function addProfile(program: Command): void {
  const profile = program
    .command('profile')
    .summary('settings that devices share')
    .description(
      'Makes, changes, shows and removes profiles: settings that devices share. Of each setting what the device itself says ' +
        'holds, else what its profile says, else the configuration.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms profile add core --user netconf
  $ callhome-nms device set router1 --profile core --reconnect
  $ callhome-nms profile list`,
    );
  addAdd(profile);
  addSet(profile);
  addList(profile);
  addShow(profile);
  addRemove(profile);
}

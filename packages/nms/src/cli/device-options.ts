/** The options of commands that say something of devices, one by one or in profiles. */
import { readInput } from '@callhome/shared/cli/input.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { fingerprint, publicKeyLine, publicKeysFromText, weakness } from '@callhome/shared/ssh/public-key.js';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { profileName } from '../registry/profiles.js';
import { type DeviceSettings, deviceSettings, type SettingsChange } from '../registry/settings.js';

/** An option of each setting. */
const settings = (
  [
    ['user', '--user <name>', 'whom the collector logs in as'],
    [
      'keepaliveMaxWaitSeconds',
      '--keepalive-max-wait <seconds>',
      'how long the device is silent before SSH probes it',
    ],
    [
      'keepaliveMaxAttempts',
      '--keepalive-max-attempts <number>',
      'after how many probes without an answer it is taken for gone',
    ],
    ['replyTimeoutSeconds', '--reply-timeout <seconds>', 'for replies to commands that have no --timeout'],
    ['maxSessions', '--max-sessions <number>', "operators' own sessions with the device at once"],
  ] as const
).map(([setting, flags, about]) => {
  const option = new Option(flags, about);
  const schema = deviceSettings.shape[setting];
  option.argParser((text) => {
    const { data, error } = schema.safeParse(setting === 'user' ? text : Number(text || Number.NaN));
    if (data === undefined) throw new InvalidArgumentError(`It ${error?.issues[0]?.message}.`);
    return data;
  });
  return { setting, option, name: option.long?.slice(2) ?? '', attribute: option.attributeName() };
});

const names = settings.map(({ name }) => name);

/** Gives a command the options of the settings. */
export function addSettingsOptions(command: Command): Command {
  for (const { option } of settings) command.addOption(option);
  return command;
}

function addUnset(text: string, former: readonly string[] = []): readonly string[] {
  if (!names.includes(text)) throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`);
  return [...former, text];
}

/** Gives a command the options of one that changes settings. */
export function addSettingsChangeOptions(command: Command): Command {
  return addSettingsOptions(command)
    .option(
      '--unset <setting>',
      `take a setting away: ${names.join(', ')}; may be given several times`,
      addUnset,
    )
    .option(
      '--reconnect',
      'end the connections that it concerns: the devices call again with what holds now',
    );
}

/** The settings that a command's options say. */
export function settingsOf(options: object): DeviceSettings {
  const said = new Map<string, unknown>(Object.entries(options));
  const theirs = settings.filter(({ attribute }) => said.has(attribute));
  return deviceSettings.parse(
    Object.fromEntries(theirs.map(({ setting, attribute }) => [setting, said.get(attribute)])),
  );
}

/** What becomes of settings as a command's options say. @throws CALLHOME_USAGE for one that is given and taken away */
export function settingsChangeOf(options: object & { readonly unset?: readonly string[] }): SettingsChange {
  const given = settingsOf(options);
  const { unset = [] } = options;
  const change: SettingsChange = { ...given };
  for (const { setting, name } of settings.filter(({ name }) => unset.includes(name))) {
    if (given[setting] !== undefined)
      throw new CallhomeError('CALLHOME_USAGE', {
        problem: `--${name} and --unset ${name} contradict each other`,
      });
    change[setting] = null;
  }
  return change;
}

/** An argument that is a profile's name. */
export function profileArgument(text: string): string {
  const { data, error } = profileName.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`It ${error.issues[0]?.message}.`);
  return data;
}

/** The largest file of public keys. Bytes. */
const maxKeyFile = 128 * 1024;

/**
 * The public host keys of a file, or of standard input for `-`, in OpenSSH's form.
 * @param comment behind each
 * @throws CALLHOME_FILE_UNREADABLE, CALLHOME_KEY_INVALID with the line or the key
 */
export async function readHostKeys(file: string, comment: string): Promise<string[]> {
  const what = file === '-' ? 'standard input' : file;
  return publicKeysFromText(await readInput(file, maxKeyFile), what).map((key) => {
    const why = weakness(key);
    if (why !== undefined)
      throw new CallhomeError('CALLHOME_KEY_INVALID', {
        what: `the key ${fingerprint(key.blob)} in ${what}`,
        why,
      });
    return publicKeyLine(key, comment);
  });
}

/** Prints what a device is known by. */
export function writeKeys(
  keys: readonly { readonly fingerprint: string; readonly type: string }[],
): Promise<void> {
  return writeResult(keys.map((key) => `${key.fingerprint} ${key.type}\n`).join(''));
}

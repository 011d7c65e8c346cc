import { addStateOption } from '@callhome/shared/cli/options.js';
import { CallhomeError, isCallhomeError } from '@callhome/shared/errors.js';
import { readTextFile } from '@callhome/shared/files.js';
import { defaultStateFolder } from '@callhome/shared/state-folder.js';
import { type Command, InvalidArgumentError } from 'commander';
import { tokenFile, urlFile } from '../northbound/api-files.js';
import { type ApiClient, createApiClient } from '../northbound/client.js';
import { deviceId } from '../registry/device-id.js';

/** How a command finds a running collector. */
export interface ApiOptions {
  readonly url?: URL;
  readonly tokenFile?: string;
  readonly stateDir?: string;
}

function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:') throw new InvalidArgumentError('It must be an http URL.');
  return url;
}

/** An argument that is a device id. */
export function deviceArgument(text: string): string {
  const { data, error } = deviceId.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`It ${error.issues[0]?.message}.`);
  return data;
}

/** Gives a command the options that say where the collector is. */
export function addApiOptions(command: Command): Command {
  return addStateOption(command)
    .option('--url <url>', "the collector's API (default: as `serve` left it in the state folder)", httpUrl)
    .option(
      '--token-file <file>',
      'the token for it (default: the file token in the state folder; needed with --url)',
    );
}

async function leftUrl(file: string): Promise<URL> {
  const text = await readTextFile(file, 1024).catch((error) => {
    if (isCallhomeError(error, 'CALLHOME_FILE_UNREADABLE')) {
      throw new CallhomeError('CALLHOME_API_UNKNOWN', { file }, error);
    }
    throw error;
  });
  if (!URL.canParse(text)) throw new CallhomeError('CALLHOME_API_UNKNOWN', { file });
  return new URL(text);
}

/**
 * The collector that the options name.
 * @throws CALLHOME_API_UNKNOWN, CALLHOME_FILE_UNREADABLE, CALLHOME_USAGE
 */
export async function openApi(options: ApiOptions): Promise<ApiClient> {
  if (options.url && !options.tokenFile && !options.stateDir) {
    const problem =
      '--url needs --token-file: the token in the state folder is for the collector that left it there';
    throw new CallhomeError('CALLHOME_USAGE', { problem });
  }
  const folder = options.stateDir ?? defaultStateFolder();
  const url = options.url ?? (await leftUrl(urlFile(folder)));
  const file = options.tokenFile ?? tokenFile(folder);
  const token = (await readTextFile(file, 1024)).trim();
  return createApiClient({ url, token, tokenFile: file });
}

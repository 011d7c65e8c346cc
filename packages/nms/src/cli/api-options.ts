import { once } from 'node:events';
import { connect } from 'node:net';
import { addRunningStateOption } from '@callhome/shared/cli/options.js';
import { CallhomeError, isCallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { readTextFile } from '@callhome/shared/files.js';
import { findRunning } from '@callhome/shared/state-folder.js';
import { type Command, InvalidArgumentError } from 'commander';
import { tokenFile, urlFile } from '../northbound/http/api-files.js';
import { type ApiClient, createApiClient } from '../northbound/http/client.js';
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
  return addRunningStateOption(command)
    .option('--url <url>', "the collector's API (default: as `serve` left it in the state folder)", httpUrl)
    .option(
      '--token-file <file>',
      'the token for it (default: the file token in the state folder; needed with --url)',
    );
}

/** For a TCP connection on this machine. */
const connectTimeoutMs = 5_000;

/** @throws CALLHOME_API_UNREACHABLE where nobody listens: a collector that was killed leaves its address behind */
async function checkListening(url: URL): Promise<void> {
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) });
  socket.setTimeout(connectTimeoutMs, () =>
    socket.destroy(new Error(`no TCP connection for ${connectTimeoutMs / 1000} s`)),
  );
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new CallhomeError('CALLHOME_API_UNREACHABLE', { url: url.origin, why: reasonOf(error) }, error);
  } finally {
    socket.destroy();
  }
}

/** Where the collector that runs on a state folder has its API. */
async function leftUrl(folder: string): Promise<URL> {
  const file = urlFile(folder);
  const text = await readTextFile(file, 1024).catch((error) => {
    if (isCallhomeError(error, 'CALLHOME_FILE_UNREADABLE')) {
      throw new CallhomeError('CALLHOME_API_UNKNOWN', { file }, error);
    }
    throw error;
  });
  if (!URL.canParse(text)) throw new CallhomeError('CALLHOME_API_UNKNOWN', { file });
  const url = new URL(text);
  await checkListening(url);
  return url;
}

async function readToken(file: string): Promise<string> {
  return (await readTextFile(file, 1024)).trim();
}

/**
 * The collector that the options name.
 * @throws CALLHOME_API_UNKNOWN, CALLHOME_API_UNREACHABLE, CALLHOME_STATE_DENIED, CALLHOME_FILE_UNREADABLE,
 * CALLHOME_USAGE
 */
export async function openApi(options: ApiOptions): Promise<ApiClient> {
  if (options.url && !options.tokenFile && !options.stateDir) {
    const problem =
      '--url needs --token-file: the token in the state folder is for the collector that left it there';
    throw new CallhomeError('CALLHOME_USAGE', { problem });
  }
  const given = options.tokenFile;
  const givenToken = given === undefined ? undefined : await readToken(given);
  const clientOf = async (folder: string): Promise<ApiClient> => {
    const url = options.url ?? (await leftUrl(folder));
    const file = given ?? tokenFile(folder);
    return createApiClient({ url, token: givenToken ?? (await readToken(file)), tokenFile: file });
  };
  return findRunning(options.stateDir, clientOf, 'another --state-dir, or --url and --token-file');
}

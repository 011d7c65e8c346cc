import { writeResult } from '@callhome/shared/cli/output.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { type Command, InvalidArgumentError } from 'commander';
import { maxRpcTimeoutSeconds } from '../northbound/http/schemas.js';
import { type ApiOptions, addApiOptions, openApi } from './api-options.js';
import { exitStatus } from './exit-status.js';

export interface OperationOptions extends ApiOptions {
  /** Seconds; the device's reply-timeout where it is left out. */
  readonly timeout?: number;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= maxRpcTimeoutSeconds))
    throw new InvalidArgumentError(`It must be a number of seconds up to ${maxRpcTimeoutSeconds}.`);
  return value;
}

/** Gives a command the options of one that sends an operation to a device. */
export function addOperationOptions(command: Command): Command {
  return addApiOptions(command).option(
    '--timeout <seconds>',
    'from the request to the first byte of the reply, and between two pieces of it (default: what is set for the device, ' +
      'else 60)',
    seconds,
  );
}

/**
 * Sends an operation to a device and passes the reply to standard output while it arrives; sets the exit status.
 * @throws CALLHOME_REPLY_CUT, and what the API throws
 */
export async function runOperation(
  device: string,
  operation: string,
  options: OperationOptions,
): Promise<void> {
  const api = await openApi(options);
  const answer = await api.rpc(device, operation, options.timeout);
  try {
    for await (const piece of answer.body) await writeResult(piece);
  } catch (error) {
    const why = `the connection to the collector was lost (${reasonOf(error)})`;
    throw new CallhomeError('CALLHOME_REPLY_CUT', { device, why }, error);
  }
  if (process.stdout.isTTY) await writeResult('\n');
  if (answer.hasFailed()) process.exitCode = exitStatus.rpcError;
}

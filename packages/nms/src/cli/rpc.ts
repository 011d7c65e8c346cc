import { readInput } from '@callhome/shared/cli/input.js';
import type { Command } from 'commander';
import { maxOperation } from '../northbound/http/schemas.js';
import { deviceArgument } from './api-options.js';
import { addOperationOptions, type OperationOptions, runOperation } from './operation.js';

/** `rpc`: one operation. */
export function addRpc(program: Command): void {
  addOperationOptions(program.command('rpc'))
    .summary('send an operation to a device')
    .description(
      "Sends one operation and prints the device's <rpc-reply> while it arrives. The exit status is 4 when the reply " +
        'holds an <rpc-error>. The session is shared: operations that change it, such as <lock>, need `netconf`.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .argument('[file]', "the operation's XML, without <rpc>; - is standard input", '-')
    .addHelpText(
      'after',
      `
Examples:
  $ echo '<get/>' | callhome-nms rpc router1
  $ callhome-nms rpc router1 edit.xml --timeout 300 > reply.xml`,
    )
    .action(async (id: string, file: string, options: OperationOptions) =>
      runOperation(id, await readInput(file, maxOperation), options),
    );
}

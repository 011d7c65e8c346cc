import { pipeline } from 'node:stream/promises';
import { writeResult } from '@callhome/shared/cli/output.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';

/** `netconf`: a session of one's own. */
export function addNetconf(program: Command): void {
  addApiOptions(program.command('netconf'))
    .summary('a NETCONF session on standard input and output')
    .description(
      'Makes standard input and output a NETCONF session with the device, as `ssh -s DEVICE netconf` would: the bytes ' +
        'pass untouched, hello and framing are yours. Ends when the device ends the session.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms netconf router1 < session.txt
  $ socat EXEC:'callhome-nms netconf router1' UNIX-LISTEN:router1.sock`,
    )
    .action(async (id: string, options: ApiOptions) => {
      const socket = await (await openApi(options)).netconf(id);
      // Input that ends ends our half; only the device's half decides when all is over.
      pipeline(process.stdin, socket).catch(() => undefined);
      try {
        for await (const piece of socket) await writeResult(piece);
      } catch (error) {
        throw new CallhomeError('CALLHOME_REPLY_CUT', { device: id, why: reasonOf(error) }, error);
      }
    });
}

import { writeResult } from '@callhome/shared/cli/output.js';
import type { Command } from 'commander';
import { type ApiOptions, addApiOptions, deviceArgument, openApi } from './api-options.js';
import { joinSession } from './netconf-session.js';

/** `netconf`: a session of one's own. */
export function addNetconf(program: Command): void {
  addApiOptions(program.command('netconf'))
    .summary('a NETCONF session on standard input and output')
    .description(
      'Makes standard input and output a NETCONF session with the device, as `ssh -s DEVICE netconf` would: the bytes ' +
        'pass untouched, hello and framing are yours. Ends when the device ends the session. Requests that follow your ' +
        'hello are held until the hello of the device is there, and the end of the input until they are answered.',
    )
    .argument('<device>', 'its id', deviceArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ cat session.txt
  <hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>
  <rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><get/></rpc>]]>]]>
  $ callhome-nms netconf router1 < session.txt
  $ socat EXEC:'callhome-nms netconf router1' UNIX-LISTEN:router1.sock`,
    )
    .action(async (id: string, options: ApiOptions) => {
      const socket = await (await openApi(options)).netconf(id);
      await joinSession(id, socket, process.stdin, writeResult);
    });
}

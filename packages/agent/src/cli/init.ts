import { type HostAndPort, parseHostAndPort } from '@callhome/shared/cli/host-and-port.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { callHomeSshPort } from '@callhome/shared/config/modules/ietf-netconf-server.js';
import { userFinding } from '@callhome/shared/config/modules/ietf-ssh-common.js';
import { readTextFile, writeNewFile } from '@callhome/shared/files.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { type Command, InvalidArgumentError } from 'commander';

function parseEndpoint(text: string, former: HostAndPort[] = []): HostAndPort[] {
  const endpoint = parseHostAndPort(text, callHomeSshPort);
  if (endpoint.port === 0) throw new InvalidArgumentError('0 is not a port to call.');
  return [...former, endpoint];
}

/** A user that somebody could log in as. */
export function parseUser(text: string): string {
  if (userFinding(text)) throw new InvalidArgumentError('It must be the name of a user.');
  return text;
}

interface InitOptions {
  readonly nms: HostAndPort[];
  readonly nmsKey: string;
  readonly user: string;
  readonly out: string;
}

/** `init`: a complete configuration with a fresh host key. */
export function addInit(program: Command): void {
  program
    .command('init')
    .summary('write a new configuration')
    .description(
      'Writes a complete, working configuration with a fresh host key, mode 0600. An existing file is left alone.\n' +
        'Then give the output of `callhome-agent key` to the collector, which must know it.',
    )
    .requiredOption(
      '--nms <host[:port]>',
      'a collector to call; repeat it for more, in the order to try',
      parseEndpoint,
    )
    .requiredOption('--nms-key <file>', "the collector's public key, from `callhome-nms key`")
    .option('--user <name>', 'the user that the collector logs in as', parseUser, 'callhome')
    .option('--out <file>', 'where to write it', 'agent.json')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-agent init --nms nms.example.net --nms-key collector.pub
  $ callhome-agent init --nms 192.0.2.1 --nms [2001:db8::1]:4334 --nms-key collector.pub --out /etc/callhome/agent.json`,
    )
    .action(async ({ nms, nmsKey, user, out }: InitOptions) => {
      const userKeys = publicKeysFromText(await readTextFile(nmsKey, 1024 * 1024), nmsKey);
      const document = newAgentDocument({ endpoints: nms, hostKey: generateKeyPair(), user, userKeys });
      await writeNewFile(out, `${JSON.stringify(document, null, 2)}\n`);
      await writeResult(`${out}\n`);
    });
}

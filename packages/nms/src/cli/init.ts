import { type HostAndPort, parseHostAndPort } from '@callhome/shared/cli/host-and-port.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { ipAddress, portNumber } from '@callhome/shared/config/modules/ietf-inet-types.js';
import { callHomeSshPort } from '@callhome/shared/config/modules/ietf-netconf-server.js';
import { newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { writeNewFile } from '@callhome/shared/files.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { type Command, InvalidArgumentError } from 'commander';

const everywhere: readonly HostAndPort[] = [
  { address: '0.0.0.0', port: callHomeSshPort },
  { address: '::', port: callHomeSshPort },
];

function parseBind(text: string, former: HostAndPort[] = []): HostAndPort[] {
  const bind = parseHostAndPort(text, callHomeSshPort);
  if (!ipAddress.safeParse(bind.address).success)
    throw new InvalidArgumentError(`${bind.address} is no IP address.`);
  return [...former, bind];
}

function parsePort(text: string): number {
  const port = portNumber.safeParse(/^\d+$/.test(text) ? Number(text) : undefined);
  if (!port.success) throw new InvalidArgumentError('It must be a port: 0 to 65535.');
  return port.data;
}

interface InitOptions {
  readonly listen?: HostAndPort[];
  readonly apiPort: number;
  readonly out: string;
}

/** `init`: a complete configuration with a fresh key. */
export function addInit(program: Command): void {
  program
    .command('init')
    .summary('write a new configuration')
    .description(
      'Writes a complete, working configuration with a fresh key, mode 0600. An existing file is left alone.',
    )
    .option(
      '--listen <address[:port]>',
      `where devices call; repeat it for more (default: all addresses, port ${callHomeSshPort}; port 0: any free one)`,
      parseBind,
    )
    .option('--api-port <port>', 'the port of the HTTP API, on loopback', parsePort, 8334)
    .option('--out <file>', 'where to write it', 'nms.json')
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms init && callhome-nms serve
  $ callhome-nms init --listen 192.0.2.1 --listen [2001:db8::1]:4334 --out /etc/callhome/nms.json`,
    )
    .action(async ({ listen, apiPort, out }: InitOptions) => {
      const document = newNmsDocument({ identity: generateKeyPair(), binds: listen ?? everywhere, apiPort });
      await writeNewFile(out, `${JSON.stringify(document, null, 2)}\n`);
      await writeResult(`${out}\n`);
    });
}

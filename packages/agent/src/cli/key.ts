import { addConfigOption } from '@callhome/shared/cli/options.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import type { Command } from 'commander';

/** `key`: what the collector must know of this device. */
export function addKey(program: Command): void {
  addConfigOption(program.command('key'), 'agent.json')
    .summary('print the public host keys')
    .description(
      "Prints the public halves of the host keys, in OpenSSH's form, one a line: what the collector knows this device by.",
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-agent key > router1.pub
  $ callhome-agent key | ssh nms callhome-nms device add router1 --host-key -`,
    )
    .action(async ({ config }: { config: string }) => {
      const { applications } = await loadAgentConfig(config);
      const hostKeys = applications
        .flatMap(({ endpoints }) => endpoints)
        .flatMap((endpoint) => endpoint.hostKeys);
      const lines = new Set(hostKeys.map(({ publicKey }) => publicKeyLine(publicKey, 'callhome-agent')));
      await writeResult([...lines].map((line) => `${line}\n`).join(''));
    });
}

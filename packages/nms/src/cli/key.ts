import { addConfigOption } from '@callhome/shared/cli/options.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import { loadNmsConfig } from '@callhome/shared/config/nms-config.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import type { Command } from 'commander';

/** `key`: what devices must let in. */
export function addKey(program: Command): void {
  addConfigOption(program.command('key'), 'nms.json')
    .summary("print the collector's public key")
    .description(
      "Prints the public half of the key that the collector logs in to devices with, in OpenSSH's form, one a line: " +
        'what belongs in authorized_keys on a device, or in --nms-key of `callhome-agent init`.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms key > collector.pub
  $ callhome-nms key --config /etc/callhome/nms.json`,
    )
    .action(async ({ config }: { config: string }) => {
      const { listeners } = await loadNmsConfig(config);
      const lines = listeners.map(({ identity }) => publicKeyLine(identity.publicKey, 'callhome-nms'));
      await writeResult([...new Set(lines)].map((line) => `${line}\n`).join(''));
    });
}

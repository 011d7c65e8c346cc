import { addRunningStateOption } from '@callhome/shared/cli/options.js';
import { writeResult } from '@callhome/shared/cli/output.js';
import type { Command } from 'commander';
import { askRunningAgent } from '../control/client.js';
import { changes } from '../reload.js';

interface StateOptions {
  readonly stateDir?: string;
}

function about(command: 'reconnect' | 'connect-now') {
  return async (application: string | undefined, { stateDir }: StateOptions): Promise<void> => {
    const which = application === undefined ? {} : { application };
    await askRunningAgent(stateDir, { command, ...which });
  };
}

/** `reconnect` and `connect-now`: applications of the running agent, all or one. */
export function addReconnect(program: Command): void {
  addRunningStateOption(program.command('reconnect'))
    .summary('let the running agent connect anew')
    .description(
      'Ends the connection of an application and makes another at once; where there is none, ends the pause before the next\n' +
        'attempt.',
    )
    .argument('[application]', 'its name; all applications where it is left out')
    .addHelpText('after', '\nExamples:\n  $ callhome-agent reconnect\n  $ callhome-agent reconnect nms')
    .action(about('reconnect'));
  addRunningStateOption(program.command('connect-now'))
    .summary('let a periodic application of the running agent connect before its time')
    .description(
      'Connects now what is configured to connect periodically, and goes on with its schedule afterwards. Where it is\n' +
        'connected already nothing happens.',
    )
    .argument('[application]', 'its name; all periodic ones where it is left out')
    .addHelpText('after', '\nExamples:\n  $ callhome-agent connect-now\n  $ callhome-agent connect-now nms')
    .action(about('connect-now'));
}

/** `reload`: the running agent reads its configuration again. */
export function addReload(program: Command): void {
  addRunningStateOption(program.command('reload'))
    .summary('let the running agent read its configuration again')
    .description(
      'The running agent reads its configuration file again, as on SIGHUP. Connections of applications that did not change\n' +
        'stay up; an invalid file changes nothing, and what is wrong with it is told. Prints what has changed.',
    )
    .addHelpText('after', '\nExample:\n  $ callhome-agent check agent.json && callhome-agent reload')
    .action(async ({ stateDir }: StateOptions) => {
      const answer = await askRunningAgent(stateDir, { command: 'reload' });
      const done = changes.parse(answer);
      for (const [what, applications] of Object.entries(done))
        for (const application of applications) await writeResult(`${what}\t${application}\n`);
    });
}

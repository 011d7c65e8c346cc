import { addConfigOption, addStateOption } from '@callhome/shared/cli/options.js';
import { exitStatus } from '@callhome/shared/cli/run-program.js';
import { stopSignal } from '@callhome/shared/cli/stop-signal.js';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { createLog } from '@callhome/shared/log.js';
import { defaultStateFolder, openStateFolder } from '@callhome/shared/state-folder.js';
import type { Command } from 'commander';
import { runAgent } from '../agent.js';

/** How long an orderly stop may take. Milliseconds. */
const stopLimit = 5000;

async function run({ config: file, stateDir }: { config: string; stateDir?: string }): Promise<void> {
  const config = await loadAgentConfig(file);
  const folder = await openStateFolder(stateDir ?? defaultStateFolder(), 'callhome-agent');
  const log = createLog('callhome-agent');
  const stop = new AbortController();
  void stopSignal().then((signal) => {
    log.info({ signal }, 'agent stopping');
    stop.abort();
    setTimeout(() => {
      log.error({ seconds: stopLimit / 1000 }, 'agent did not stop in time');
      process.exit(exitStatus.failed);
    }, stopLimit).unref();
  });
  log.info({ applications: config.applications.map(({ name }) => name) }, 'agent started');
  await runAgent(config, folder.path, log, stop.signal);
  folder.release();
  log.info('agent stopped');
}

/** `run`: the agent. */
export function addRun(program: Command): void {
  addStateOption(addConfigOption(program.command('run'), 'agent.json'))
    .summary('run the agent')
    .description(
      'Calls home, and serves NETCONF on the connections, until SIGINT or SIGTERM. Logs JSON lines to standard error;\n' +
        '$CALLHOME_LOG_LEVEL is the level (default info).',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-agent run
  $ callhome-agent run --config /etc/callhome/agent.json --state-dir /var/lib/callhome`,
    )
    .action(run);
}

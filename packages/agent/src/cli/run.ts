import { addConfigOption, addStateOption } from '@callhome/shared/cli/options.js';
import { exitStatus } from '@callhome/shared/cli/run-program.js';
import { stopSignal } from '@callhome/shared/cli/stop-signal.js';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { createLog } from '@callhome/shared/log.js';
import { limitLastWords } from '@callhome/shared/log-output.js';
import { serviceManager } from '@callhome/shared/service-notify.js';
import { defaultStateFolder, openStateFolder } from '@callhome/shared/state-folder.js';
import type { Command } from 'commander';
import { type Agent, startAgent } from '../agent.js';
import { carryOut } from '../control/carry-out.js';
import { startControl } from '../control/server.js';
import { createReloads } from '../reload.js';

/** How long an orderly stop may take. */
const stopLimitMs = 5000;

async function run({ config: file, stateDir }: { config: string; stateDir?: string }): Promise<void> {
  const config = await loadAgentConfig(file);
  const folder = await openStateFolder(stateDir ?? defaultStateFolder(), 'callhome-agent');
  const log = createLog('callhome-agent');
  const asked = stopSignal();
  for (const warning of config.warnings) log.warn(warning);
  log.info({ applications: config.applications.map(({ name }) => name) }, 'agent started');
  const agent = await startAgent(config, folder.path, log);
  const service = serviceManager(() => inShort(agent), log);
  const reloads = createReloads(() => loadAgentConfig(file), agent.reconfigure, log);
  process.on('SIGHUP', () => void reloads.reload().catch(() => undefined));
  const stopControl = await startControl(folder.path, (request) => carryOut(request, agent, reloads), log);
  service.ready();
  const signal = await asked;
  const reloaded = reloads.stop();
  log.info({ signal }, 'agent stopping');
  setTimeout(() => {
    log.error({ seconds: stopLimitMs / 1000 }, 'agent did not stop in time');
    process.exit(exitStatus.failed);
  }, stopLimitMs).unref();
  const told = service.stop();
  await stopControl();
  await reloaded;
  await agent.stop();
  await told;
  folder.release();
  log.info('agent stopped');
  limitLastWords();
}

/** What the service manager shows of it. */
function inShort(agent: Agent): string {
  const applications = agent.status();
  const connected = applications.filter(({ state }) => state === 'connected').length;
  return `${connected} of ${applications.length} applications connected`;
}

/** `run`: the agent. */
export function addRun(program: Command): void {
  addStateOption(addConfigOption(program.command('run'), 'agent.json'))
    .summary('run the agent')
    .description(
      'Calls home, and serves NETCONF on the connections, until SIGINT or SIGTERM; on SIGHUP it reads its configuration\n' +
        'again. Logs JSON lines to standard error; $CALLHOME_LOG_LEVEL is the level (default info).',
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

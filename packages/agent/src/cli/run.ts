import { addConfigOption, addStateOption } from '@callhome/shared/cli/options.js';
import { exitStatus } from '@callhome/shared/cli/run-program.js';
import { stopSignal } from '@callhome/shared/cli/stop-signal.js';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { createLog } from '@callhome/shared/log.js';
import { limitLastWords } from '@callhome/shared/log-output.js';
import { serviceManager } from '@callhome/shared/service-notify.js';
import { defaultStateFolder, openStateFolder } from '@callhome/shared/state-folder.js';
import type { Command } from 'commander';
import { type Agent, type Changes, startAgent } from '../agent.js';
import type { ControlRequest } from '../control/requests.js';
import { startControl } from '../control/server.js';

/** How long an orderly stop may take. Milliseconds. */
const stopLimit = 5000;

async function run({ config: file, stateDir }: { config: string; stateDir?: string }): Promise<void> {
  const config = await loadAgentConfig(file);
  const folder = await openStateFolder(stateDir ?? defaultStateFolder(), 'callhome-agent');
  const log = createLog('callhome-agent');
  const asked = stopSignal();
  const warn = (warnings: readonly string[]): void => {
    for (const warning of warnings) log.warn(warning);
  };
  warn(config.warnings);
  log.info({ applications: config.applications.map(({ name }) => name) }, 'agent started');
  const agent = await startAgent(config, folder.path, log);
  const service = serviceManager(() => inShort(agent), log);

  /** One after the other, and none after the end; who asks while one waits its turn is answered by that one. */
  let reloading: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Changes> | undefined;
  let stopping = false;
  async function readAgain(): Promise<Changes> {
    waiting = undefined;
    if (stopping) throw new CallhomeError('CALLHOME_STOPPED', {});
    try {
      const next = await loadAgentConfig(file);
      warn(next.warnings);
      const changes = await agent.reconfigure(next);
      log.info(changes, 'configuration reloaded');
      return changes;
    } catch (error) {
      const code = error instanceof CallhomeError ? error.code : undefined;
      log.error({ code, reason: reasonOf(error) }, 'configuration not reloaded: the former one holds');
      throw error;
    }
  }
  function reload(): Promise<Changes> {
    waiting ??= reloading.then(readAgain);
    reloading = waiting.catch(() => undefined);
    return waiting;
  }
  process.on('SIGHUP', () => void reload().catch(() => undefined));

  const answer = (request: ControlRequest): Promise<unknown> => carryOut(request, agent, reload);
  const stopControl = await startControl(folder.path, answer, log);
  service.ready();
  const signal = await asked;
  stopping = true;
  log.info({ signal }, 'agent stopping');
  setTimeout(() => {
    log.error({ seconds: stopLimit / 1000 }, 'agent did not stop in time');
    process.exit(exitStatus.failed);
  }, stopLimit).unref();
  const told = service.stop();
  await stopControl();
  await reloading;
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

/** What a request of the agent's commands comes to. */
async function carryOut(
  request: ControlRequest,
  agent: Agent,
  reload: () => Promise<Changes>,
): Promise<unknown> {
  switch (request.command) {
    case 'status':
      return agent.status();
    case 'reload':
      return await reload();
    case 'reconnect':
      return agent.reconnect(request.application);
    case 'connect-now':
      return agent.connectNow(request.application);
  }
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

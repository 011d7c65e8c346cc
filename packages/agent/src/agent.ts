import { setMaxListeners } from 'node:events';
import type { AgentConfig } from '@callhome/shared/config/agent-config.js';
import type { Log } from '@callhome/shared/log.js';
import { runApplication } from './application/application.js';
import { openRememberedEndpoints } from './application/remembered-endpoints.js';
import type { Backend } from './backend/backend.js';
import { commandBackend } from './backend/command.js';
import { embeddedBackend } from './backend/embedded.js';

function createBackend(config: AgentConfig, log: Log): Backend {
  const { command } = config.agent.backend;
  return command ? commandBackend(command, log) : embeddedBackend(config.data, log);
}

/**
 * Runs every application of a configuration until `signal` ends them all.
 * @param stateFolder where the last connected endpoints are kept; this process owns it
 */
export async function runAgent(
  config: AgentConfig,
  stateFolder: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  // Every application listens for the end, and none of them for ever.
  setMaxListeners(0, signal);
  const remembered = await openRememberedEndpoints(stateFolder, log);
  const backend = createBackend(config, log);
  await Promise.all(
    config.applications.map((application) =>
      runApplication(application, {
        backend,
        remembered,
        backoffCap: config.agent['backoff-cap'],
        handshakeTimeout: config.agent['handshake-timeout'],
        maxSessions: config.agent['max-sessions'],
        log,
        signal,
      }),
    ),
  );
}

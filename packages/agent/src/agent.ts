import type { AgentConfig, ApplicationConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { type Application, startApplication } from './application/application.js';
import { systemClock } from './application/clock.js';
import type { AgentSettings } from './application/options.js';
import { openRememberedEndpoints } from './application/remembered-endpoints.js';
import { stateXml } from './application/state-data.js';
import type { ApplicationStatus } from './application/status.js';
import type { Backend } from './backend/backend.js';
import { commandBackend } from './backend/command.js';
import { embeddedBackend } from './backend/embedded.js';
import { serveConnection } from './connection/connection.js';
import { dialTcp } from './dial/tcp.js';
import type { Changes } from './reload.js';

/** A running agent. */
export interface Agent {
  /** Of every application, in the order of the configuration. */
  status(): ApplicationStatus[];
  /** @param application all of them where it is left out @throws CALLHOME_APPLICATION_UNKNOWN */
  reconnect(application?: string): void;
  /**
   * @param application all periodic ones, of which there must be one, where it is left out
   * @throws CALLHOME_APPLICATION_UNKNOWN, CALLHOME_NOT_PERIODIC
   */
  connectNow(application?: string): void;
  /** Goes on with another configuration: connections of applications that are in it unchanged stay. */
  reconfigure(config: AgentConfig): Promise<Changes>;
  /** Ends every application in order, and waits for the end of their sessions: of the programs that serve them, too. */
  stop(): Promise<void>;
}

/**
 * Runs every application of a configuration.
 * @param stateFolder where the last connected endpoints are kept; this process owns it
 */
export async function startAgent(config: AgentConfig, stateFolder: string, log: Log): Promise<Agent> {
  const remembered = await openRememberedEndpoints(stateFolder, log);
  let { data } = config;
  // one for the whole life of the agent: its sessions have numbers, and may end one another
  const embedded = embeddedBackend(
    () => data,
    () => stateXml(status()),
    log,
  );
  let settings = settingsOf(config);
  let applications = new Map<string, Application>();
  /** Sessions that are not over: of connections that have ended, too. */
  const sessions = new Set<Promise<void>>();

  function backendOf({ agent }: AgentConfig): Backend {
    const { command } = agent.backend;
    const backend = command ? commandBackend(command, log) : embedded;
    return {
      open(channel, origin) {
        const over = backend.open(channel, origin);
        sessions.add(over);
        void over.then(() => sessions.delete(over));
        return over;
      },
    };
  }

  function settingsOf(next: AgentConfig): AgentSettings {
    return {
      backend: backendOf(next),
      backoffCapSeconds: next.agent['backoff-cap'],
      handshakeTimeoutSeconds: next.agent['handshake-timeout'],
      maxSessions: next.agent['max-sessions'],
      sessionLingerSeconds: next.agent['session-linger'],
    };
  }

  const start = (next: ApplicationConfig): Application =>
    startApplication(next, {
      settings: () => settings,
      remembered,
      dial: dialTcp,
      serve: serveConnection,
      clock: systemClock,
      dice: Math.random,
      log,
    });

  function status(): ApplicationStatus[] {
    return [...applications.values()].map((application) => application.status());
  }

  function find(name: string): Application {
    const application = applications.get(name);
    if (!application) throw new CallhomeError('CALLHOME_APPLICATION_UNKNOWN', { application: name });
    return application;
  }

  /** Applications that are in the new configuration too run on; the others end before those that take their place. */
  async function reconfigure(next: AgentConfig): Promise<Changes> {
    settings = settingsOf(next);
    data = next.data;
    const former = applications;
    const kept = new Map<string, Application>();
    for (const { name, fingerprint } of next.applications) {
      const running = former.get(name);
      if (running?.config.fingerprint === fingerprint) kept.set(name, running);
    }
    const ending = [...former].filter(([name]) => !kept.has(name));
    const reason = new CallhomeError('CALLHOME_RECONFIGURED', {});
    await Promise.all(ending.map(([, application]) => application.stop(reason)));
    applications = new Map(next.applications.map((each) => [each.name, kept.get(each.name) ?? start(each)]));
    const names = [...applications.keys()];
    return {
      added: names.filter((name) => !former.has(name)),
      changed: names.filter((name) => former.has(name) && !kept.has(name)),
      removed: [...former.keys()].filter((name) => !applications.has(name)),
      unchanged: [...kept.keys()],
    };
  }

  await reconfigure(config);
  return {
    status,
    reconnect(application) {
      for (const each of application === undefined ? applications.values() : [find(application)])
        each.reconnect();
    },
    connectNow(application) {
      const periodic = [...applications.values()].filter(
        ({ config }) => config.connectionType.kind === 'periodic',
      );
      if (application === undefined && periodic.length === 0)
        throw new CallhomeError('CALLHOME_NOT_PERIODIC', { application });
      for (const each of application === undefined ? periodic : [find(application)]) each.connectNow();
    },
    reconfigure,
    async stop() {
      const reason = new CallhomeError('CALLHOME_STOPPED', {});
      await Promise.all([...applications.values()].map((application) => application.stop(reason)));
      await Promise.all(sessions);
    },
  };
}

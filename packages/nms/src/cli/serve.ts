import { rm } from 'node:fs/promises';
import { addConfigOption, addStateOption } from '@callhome/shared/cli/options.js';
import { exitStatus } from '@callhome/shared/cli/run-program.js';
import { stopSignal } from '@callhome/shared/cli/stop-signal.js';
import { readVersion } from '@callhome/shared/cli/version.js';
import { loadNmsConfig } from '@callhome/shared/config/nms-config.js';
import { writeFileAtomic } from '@callhome/shared/files.js';
import { createLog } from '@callhome/shared/log.js';
import { limitLastWords } from '@callhome/shared/log-output.js';
import { serviceManager } from '@callhome/shared/service-notify.js';
import { defaultStateFolder, openStateFolder } from '@callhome/shared/state-folder.js';
import type { Command } from 'commander';
import { defaultSettings } from '../default-settings.js';
import { newToken, urlFile } from '../northbound/http/api-files.js';

/** How long an orderly stop may take in all, and how much of it is for answers under way. */
const stopLimitMs = 5_000;
const answerGraceMs = 2_000;

/** Its name in the registry, which it has for itself. */
const owner = 'collector';

interface ServeOptions {
  readonly config: string;
  readonly stateDir?: string;
}

async function serve({ config: file, stateDir }: ServeOptions): Promise<void> {
  const config = await loadNmsConfig(file);
  const log = createLog('callhome-nms');
  for (const warning of config.warnings) log.warn(warning);
  const asked = stopSignal();
  process.on('SIGHUP', () =>
    log.warn('SIGHUP does not reload the configuration: restart the collector to have it read again'),
  );
  // The other commands need neither SSH nor a database, and start faster without.
  const [{ startCollector }, { openEmbeddedRegistry }, { startApi }] = await Promise.all([
    import('../collector.js'),
    import('../registry/embedded/embedded.js'),
    import('../northbound/http/server.js'),
  ]);
  const ends: (() => unknown)[] = [];
  try {
    const folder = await openStateFolder(stateDir ?? defaultStateFolder(), 'callhome-nms');
    ends.push(() => folder.release());
    const registry = await openEmbeddedRegistry(folder.path, { retention: config.retention });
    ends.push(() => registry.close());
    const collector = await startCollector(config, registry, log, owner);
    ends.push(() => collector.stop());
    const api = await startApi({
      ...config.api,
      registry,
      flapping: config.flapping,
      fleet: collector.fleet,
      emit: collector.events.emit,
      counters: collector.counters,
      log,
      token: await newToken(folder.path),
      version: readVersion(),
      startedAt: new Date(),
      defaultSettings: defaultSettings(config.listeners),
      ownKeys: config.listeners.map(({ identity }) => identity.publicKey.blob),
    });
    ends.push(() => api.stop(answerGraceMs));
    await writeFileAtomic(urlFile(folder.path), `${api.url}\n`);
    ends.push(() => rm(urlFile(folder.path), { force: true }));
    log.info({ listeners: collector.addresses(), api: api.url }, 'collector started');
    const service = serviceManager(() => `${collector.size()} devices connected`, log);
    ends.push(() => service.stop());
    service.ready();
    const signal = await asked;
    log.info({ signal }, 'collector stopping');
    setTimeout(() => {
      log.error({ seconds: stopLimitMs / 1000 }, 'collector did not stop in time');
      process.exit(exitStatus.failed);
    }, stopLimitMs).unref();
  } finally {
    for (const end of ends.reverse()) await end();
    limitLastWords();
  }
  log.info('collector stopped');
}

/** `serve`: the collector. */
export function addServe(program: Command): void {
  addStateOption(addConfigOption(program.command('serve'), 'nms.json'))
    .summary('run the collector')
    .description(
      'Accepts the calls of devices and serves the API, until SIGINT or SIGTERM. Logs JSON lines to standard error; ' +
        '$CALLHOME_LOG_LEVEL is the level (default info).',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ callhome-nms serve
  $ callhome-nms serve --config /etc/callhome/nms.json --state-dir /var/lib/callhome`,
    )
    .action(serve);
}

import type { AgentConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { z } from 'zod';

const names = z.array(z.string()).readonly();

/** What a reload has changed: names of applications. */
export const changes = z.object({ added: names, changed: names, removed: names, unchanged: names });
export type Changes = z.infer<typeof changes>;

/** The reloads of a running agent: one after the other. */
export interface Reloads {
  /**
   * Reads the configuration again and goes on with it; with the former one where that fails. Who asks while one waits
   * its turn is answered by that one.
   * @throws CALLHOME_STOPPED, and what the reader of the configuration throws
   */
  reload(): Promise<Changes>;
  /** None begins from now on; resolves when the one that runs is over. */
  stop(): Promise<void>;
}

/**
 * @param read reads the configuration
 * @param reconfigure goes on with it
 */
export function createReloads(
  read: () => Promise<AgentConfig>,
  reconfigure: (config: AgentConfig) => Promise<Changes>,
  log: Log,
): Reloads {
  let stopped = false;
  /** Resolves when the last one that was asked for is over. */
  let over: Promise<unknown> = Promise.resolve();
  /** The one that waits its turn. */
  let waiting: Promise<Changes> | undefined;

  async function begin(): Promise<Changes> {
    waiting = undefined;
    if (stopped) throw new CallhomeError('CALLHOME_STOPPED', {});
    try {
      const config = await read();
      for (const warning of config.warnings) log.warn(warning);
      const changed = await reconfigure(config);
      log.info(changed, 'configuration reloaded');
      return changed;
    } catch (error) {
      const code = error instanceof CallhomeError ? error.code : undefined;
      log.error({ code, reason: reasonOf(error) }, 'configuration not reloaded: the former one holds');
      throw error;
    }
  }

  return {
    reload() {
      waiting ??= over.then(begin);
      over = waiting.catch(() => undefined);
      return waiting;
    },
    async stop() {
      stopped = true;
      await over;
    },
  };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '@callhome/shared/errors.js';
import { readTextFile, writeFileAtomic } from '@callhome/shared/files.js';
import type { Log } from '@callhome/shared/log.js';
import { z } from 'zod';

const schema = z.record(z.string(), z.string());

/** The endpoint that each application last connected to, in a file that survives kill -9. */
export interface RememberedEndpoints {
  get(application: string): string | undefined;
  /** Resolves when it is durable. A failure to write is logged and costs the memory alone: the agent goes on. */
  remember(application: string, endpoint: string): Promise<void>;
}

/** Opens the memory in a state folder. An unreadable one is logged, and replaced at the next connection. */
export async function openRememberedEndpoints(folder: string, log: Log): Promise<RememberedEndpoints> {
  const file = join(folder, 'last-connected.json');
  let endpoints = new Map<string, string>();
  if (existsSync(file)) {
    try {
      endpoints = new Map(Object.entries(schema.parse(JSON.parse(await readTextFile(file, 1024 * 1024)))));
    } catch (error) {
      log.warn(
        { file, reason: reasonOf(error) },
        'the last connected endpoints cannot be read and are forgotten',
      );
    }
  }
  let written: Promise<void> = Promise.resolve();
  return {
    get: (application) => endpoints.get(application),
    remember(application, endpoint) {
      if (endpoints.get(application) === endpoint) return written;
      endpoints.set(application, endpoint);
      const text = `${JSON.stringify(Object.fromEntries(endpoints), undefined, 2)}\n`;
      written = written
        .then(() => writeFileAtomic(file, text))
        .catch((error) =>
          log.warn({ file, reason: reasonOf(error) }, 'the last connected endpoint is not kept'),
        );
      return written;
    },
  };
}

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
  const textOf = (): string => `${JSON.stringify(Object.fromEntries(endpoints), undefined, 2)}\n`;
  /** What the file holds: a write that failed is made up for at the next connection. */
  let kept = textOf();
  let written: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const text = textOf();
    if (text === kept) return;
    try {
      await writeFileAtomic(file, text);
      kept = text;
    } catch (error) {
      log.warn({ file, reason: reasonOf(error) }, 'the last connected endpoint is not kept');
    }
  }
  return {
    get: (application) => endpoints.get(application),
    remember(application, endpoint) {
      endpoints.set(application, endpoint);
      written = written.then(write);
      return written;
    },
  };
}

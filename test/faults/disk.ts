import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createFolder, removeFolder } from '../programs/folder.js';

const execute = promisify(execFile);

/** A small file system, with a folder for a program's state on it. */
export interface Disk {
  readonly state: string;
  /** Leaves no byte free. */
  fill(): Promise<void>;
  /** Ends `fill`. */
  free(): Promise<void>;
  makeReadOnly(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes it: needs root and mount. */
export async function createDisk(): Promise<Disk> {
  const folder = await createFolder('disk');
  const ballast = path.join(folder, 'ballast');
  const state = path.join(folder, 'state');
  await execute('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  await mkdir(state, { mode: 0o700 });
  return {
    state,
    async fill() {
      const file = await open(ballast, 'a');
      try {
        for (;;) await file.write(Buffer.alloc(4096));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast),
    makeReadOnly: async () => void (await execute('mount', ['-o', 'remount,ro', folder])),
    async stop() {
      // SQLite keeps its files open in this process until its statements are collected.
      await execute('umount', ['--lazy', folder]);
      await removeFolder(folder);
    },
  };
}

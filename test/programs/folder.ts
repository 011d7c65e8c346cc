import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder of its own for one peer, short enough for the path of a Unix socket. */
export async function createFolder(peer: string): Promise<string> {
  return await mkdtemp(path.join(tmpdir(), `callhome-${peer}-`));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

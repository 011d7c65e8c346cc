import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CallhomeError } from '@callhome/shared/errors.js';
import { writeFileAtomic } from '@callhome/shared/files.js';
import { z } from 'zod';

/** 32 bytes, base64url. */
const token = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** Where a collector keeps the token of its API. */
export function tokenFile(folder: string): string {
  return join(folder, 'token');
}

/** Where a running collector leaves the address of its API. */
export function urlFile(folder: string): string {
  return join(folder, 'url');
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The token of the API: the one that the state folder holds, or a fresh one. Written anew each time, which gives the
 * file its mode back.
 * @throws CALLHOME_STATE_UNUSABLE, CALLHOME_FILE_UNWRITABLE
 */
export async function ensureToken(folder: string): Promise<string> {
  const file = tokenFile(folder);
  const kept = (await readIfThere(file))?.trim() ?? randomBytes(32).toString('base64url');
  if (!token.safeParse(kept).success) {
    throw new CallhomeError('CALLHOME_STATE_UNUSABLE', {
      dir: folder,
      why: 'its file token holds no token; remove that file and a new one is made',
    });
  }
  await writeFileAtomic(file, `${kept}\n`);
  return kept;
}

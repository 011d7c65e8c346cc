import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomic } from '@callhome/shared/files.js';

/** Where a collector keeps the token of its API. */
export function tokenFile(folder: string): string {
  return join(folder, 'token');
}

/** Where a running collector leaves the address of its API. */
export function urlFile(folder: string): string {
  return join(folder, 'url');
}

/**
 * A fresh token in the state folder: one that was sent to whoever listened while no collector ran opens nothing any more.
 * @throws CALLHOME_FILE_UNWRITABLE
 */
export async function newToken(folder: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await writeFileAtomic(tokenFile(folder), `${token}\n`);
  return token;
}

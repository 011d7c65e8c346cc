import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CallhomeError } from './errors.js';
import { decodeUtf8 } from './text.js';

function systemReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'no such file or folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'it is not a folder';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Reads a UTF-8 text file, pipe or device of at most `maxBytes`.
 * @throws CALLHOME_FILE_UNREADABLE
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  const fail = (why: string, cause?: unknown) =>
    new CallhomeError('CALLHOME_FILE_UNREADABLE', { file: path, why }, cause);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) throw fail(`it is larger than ${maxBytes} bytes`);
    }
  } catch (error) {
    throw error instanceof CallhomeError ? error : fail(systemReason(error), error);
  }
  try {
    return decodeUtf8(Buffer.concat(chunks));
  } catch (error) {
    throw fail('it is not UTF-8 text', error);
  }
}

/** Writes and syncs a file beside `path`, puts it in place with `place`, and syncs the folder: kill -9 leaves the old or the new. */
async function writeDurably(
  path: string,
  text: string,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(resolve(path));
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new CallhomeError('CALLHOME_FILE_EXISTS', { file: path }, error);
    }
    throw new CallhomeError('CALLHOME_FILE_UNWRITABLE', { file: path, why: systemReason(error) }, error);
  }
}

/**
 * Replaces a file in one step, mode 0600.
 * @throws CALLHOME_FILE_UNWRITABLE
 */
export function writeFileAtomic(path: string, text: string): Promise<void> {
  return writeDurably(path, text, (temporary) => rename(temporary, path));
}

/**
 * Writes a file that must not exist yet, mode 0600, in one step.
 * @throws CALLHOME_FILE_EXISTS, CALLHOME_FILE_UNWRITABLE
 */
export function writeNewFile(path: string, text: string): Promise<void> {
  return writeDurably(path, text, async (temporary) => {
    await link(temporary, path);
    await unlink(temporary);
  });
}

/**
 * Makes a folder and its parents, mode 0700 where they are new.
 * @throws CALLHOME_FILE_UNWRITABLE
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CallhomeError('CALLHOME_FILE_UNWRITABLE', { file: path, why: systemReason(error) }, error);
  }
}

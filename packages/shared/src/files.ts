import { randomBytes } from 'node:crypto';
import { constants, existsSync, type Stats } from 'node:fs';
import { access, link, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CallhomeError, codeOf, toError } from './errors.js';
import { decodeUtf8 } from './text.js';

function systemReason(error: unknown): string {
  switch (codeOf(error)) {
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
    case 'ENAMETOOLONG':
      return 'the name is too long';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return toError(error).message;
  }
}

/** A text, and what its file system knew of the file while it was read; undefined for a pipe or a device. */
export interface FileText {
  readonly text: string;
  readonly stats: Stats | undefined;
}

/**
 * Reads a UTF-8 text file, pipe or device of at most `maxBytes`.
 * @throws CALLHOME_FILE_UNREADABLE
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  return (await readFileText(path, maxBytes)).text;
}

/** As `readTextFile`, and who may read it. @throws CALLHOME_FILE_UNREADABLE */
export async function readFileText(path: string, maxBytes: number): Promise<FileText> {
  const fail = (why: string, cause?: unknown) =>
    new CallhomeError('CALLHOME_FILE_UNREADABLE', { file: path, why }, cause);
  const chunks: Buffer[] = [];
  let size = 0;
  let stats: Stats;
  try {
    const file = await open(path);
    try {
      stats = await file.stat();
      for await (const chunk of file.createReadStream()) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) throw fail(`it is larger than ${maxBytes} bytes`);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof CallhomeError ? error : fail(systemReason(error), error);
  }
  try {
    return { text: decodeUtf8(Buffer.concat(chunks)), stats: stats.isFile() ? stats : undefined };
  } catch (error) {
    throw fail('it is not UTF-8 text', error);
  }
}

/** The bytes of a file, pipe or device, while they are read. @throws CALLHOME_FILE_UNREADABLE */
export async function* readFilePieces(path: string): AsyncGenerator<Buffer> {
  const fail = (error: unknown) =>
    new CallhomeError('CALLHOME_FILE_UNREADABLE', { file: path, why: systemReason(error) }, error);
  const file = await open(path).catch((error) => Promise.reject(fail(error)));
  try {
    const pieces: AsyncIterator<Buffer> = file.createReadStream()[Symbol.asyncIterator]();
    for (;;) {
      const next = await pieces.next().catch((error) => Promise.reject(fail(error)));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await file.close();
  }
}

/** Why this process cannot start a file as a program; undefined where it can. */
export async function startProblem(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return 'it is not a file';
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return systemReason(error);
  }
}

/**
 * Writes and syncs a file at `temporary`, beside `path`, puts it in place with `place`, and syncs the folder: kill -9
 * leaves the old or the new.
 */
async function writeDurably(
  path: string,
  temporary: string,
  text: string | AsyncIterable<string>,
  place: () => Promise<void>,
): Promise<void> {
  const folder = dirname(resolve(path));
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      // Each goes behind the one before.
      for await (const piece of typeof text === 'string' ? [text] : text) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await place();
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (error instanceof CallhomeError) throw error;
    if (codeOf(error) === 'EEXIST') {
      throw new CallhomeError('CALLHOME_FILE_EXISTS', { file: path }, error);
    }
    throw new CallhomeError('CALLHOME_FILE_UNWRITABLE', { file: path, why: systemReason(error) }, error);
  }
}

/**
 * Replaces a file in one step, mode 0600. Nobody else may write it meanwhile: what a writer that was killed has left
 * beside it goes.
 * @throws CALLHOME_FILE_UNWRITABLE
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await unlink(temporary).catch(() => undefined);
  await writeDurably(path, temporary, text, () => rename(temporary, path));
}

/**
 * Writes a file that must not exist yet, mode 0600, in one step.
 * @throws CALLHOME_FILE_EXISTS, CALLHOME_FILE_UNWRITABLE, and what the text fails with
 */
export async function writeNewFile(path: string, text: string | AsyncIterable<string>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  await writeDurably(path, temporary, text, async () => {
    await link(temporary, path);
    await unlink(temporary);
  });
}

/** Makes a folder and its parents. Node's own goes round for ever where the parent is there and takes no folders: /proc. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    await makeFolders(dirname(path));
    await makeFolders(path);
  }
}

/**
 * Makes a folder and its parents, mode 0700 where they are new.
 * @throws CALLHOME_FILE_UNWRITABLE
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await makeFolders(resolve(path));
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'no folder can be made there' : systemReason(error);
    throw new CallhomeError('CALLHOME_FILE_UNWRITABLE', { file: path, why }, error);
  }
}

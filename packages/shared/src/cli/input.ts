import { CallhomeError, reasonOf } from '../errors.js';
import { readFilePieces, readTextFile } from '../files.js';
import { decodeUtf8, readBytes } from '../text.js';

/**
 * Reads the UTF-8 text, at most `maxBytes`, of the file that a command names, or of standard input for `-`.
 * @throws CALLHOME_FILE_UNREADABLE
 */
export async function readInput(file: string, maxBytes: number): Promise<string> {
  if (file !== '-') return readTextFile(file, maxBytes);
  const what = 'standard input';
  const fail = (why: string, cause: unknown) =>
    new CallhomeError('CALLHOME_FILE_UNREADABLE', { file: what, why }, cause);
  const bytes = await readBytes(process.stdin, maxBytes, 'it').catch((error) =>
    Promise.reject(fail(reasonOf(error), error)),
  );
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw fail('it is not UTF-8 text', error);
  }
}

/**
 * The bytes of the file that a command names, or of standard input for `-`, while they are read.
 * @throws CALLHOME_FILE_UNREADABLE
 */
export function readInputPieces(file: string): AsyncIterable<Buffer> {
  return file === '-' ? process.stdin : readFilePieces(file);
}

import { readTextFile } from '@callhome/shared/files.js';
import { readText } from '../northbound/body.js';

/**
 * Reads the file that a command names, or standard input for `-`. Bytes.
 * @throws CALLHOME_FILE_UNREADABLE, CALLHOME_MESSAGE_TOO_LARGE, CALLHOME_REQUEST_INVALID
 */
export function readInput(file: string, maxBytes: number): Promise<string> {
  return file === '-' ? readText(process.stdin, maxBytes, 'standard input') : readTextFile(file, maxBytes);
}

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export interface KeyFile {
  /** The private half, in OpenSSH's format, without a passphrase. */
  readonly file: string;
  /** The public half: one line, `TYPE BASE64 COMMENT`. */
  readonly publicKey: string;
}

/** Makes a key with ssh-keygen. */
export async function createKeyFile(
  folder: string,
  name: string,
  kind: readonly string[] = ['-t', 'ed25519'],
): Promise<KeyFile> {
  const file = path.join(folder, name);
  await promisify(execFile)('ssh-keygen', ['-q', ...kind, '-N', '', '-C', name, '-f', file]);
  return { file, publicKey: (await readFile(`${file}.pub`, 'utf8')).trim() };
}

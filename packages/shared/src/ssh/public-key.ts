import { createHash } from 'node:crypto';
import { CallhomeError } from '../errors.js';

/** A public key in the SSH wire format (RFC 4253 §6.6), as `.pub` files and `ssh-public-key-format` carry it. */
export interface PublicKey {
  /** The format's name inside the blob, such as `ssh-ed25519` or `ssh-rsa`. */
  readonly type: string;
  readonly blob: Buffer;
}

/** OpenSSH's form of a fingerprint: `SHA256:` and unpadded base64. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The name of the format that starts a wire-format blob; empty when there is none. */
export function keyType(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const type = blob.subarray(4, 4 + length).toString('latin1');
  const whole = length > 0 && length <= 64 && 4 + length < blob.length;
  return whole && /^[\x21-\x7e]+$/.test(type) ? type : '';
}

/**
 * Reads a wire-format blob.
 * @throws CALLHOME_KEY_INVALID, naming `what`
 */
export function publicKeyFromBlob(blob: Buffer, what: string): PublicKey {
  const type = keyType(blob);
  if (type === '')
    throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why: 'it is not an SSH public key' });
  return { type, blob };
}

/**
 * Reads the lines of a `.pub` or `authorized_keys` file without options: TYPE BASE64 [COMMENT]; `#` starts a comment line.
 * @throws CALLHOME_KEY_INVALID, naming `what` and the line
 */
export function publicKeysFromText(text: string, what: string): PublicKey[] {
  const keys: PublicKey[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    const [type, base64] = words;
    if (type === undefined || type === '' || type.startsWith('#')) continue;
    const where = `${what} line ${index + 1}`;
    const fail = (why: string) => new CallhomeError('CALLHOME_KEY_INVALID', { what: where, why });
    if (text.includes('PRIVATE KEY')) throw fail('it is a private key; give the public half, the .pub file');
    if (base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
      throw fail('a line must be TYPE BASE64 [COMMENT]');
    }
    const key = publicKeyFromBlob(Buffer.from(base64, 'base64'), where);
    if (key.type !== type) throw fail(`the line says ${type} but the key is ${key.type}`);
    keys.push(key);
  }
  if (keys.length === 0)
    throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why: 'it holds no public key' });
  return keys;
}

/** One line of OpenSSH's public key format. */
export function publicKeyLine(key: PublicKey, comment: string): string {
  return `${key.type} ${key.blob.toString('base64')} ${comment}`;
}

import { createHash, createPublicKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { CallhomeError, isCallhomeError, reasonOf } from '../errors.js';

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

/** The fields of a wire-format blob, its type first: each a length and so many bytes (RFC 4251 §5). */
function fieldsOf(blob: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length; ) {
    const end = at + 4 + blob.readUInt32BE(at);
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** A number that starts with zeros which say nothing; RFC 4251 §5 forbids it. */
function isPadded(mpint: Buffer): boolean {
  return mpint[0] === 0 && (mpint[1] ?? 0) < 0x80;
}

/**
 * Reads a wire-format blob.
 * @throws CALLHOME_KEY_INVALID, naming `what`
 */
export function publicKeyFromBlob(blob: Buffer, what: string): PublicKey {
  const type = keyType(blob);
  const fail = (why: string, cause?: unknown) =>
    new CallhomeError('CALLHOME_KEY_INVALID', { what, why }, cause);
  if (type === '') throw fail('it is not an SSH public key');
  try {
    const parsed = ssh2.utils.parseKey(`${type} ${blob.toString('base64')}`);
    if (parsed instanceof Error) throw parsed;
    // ssh2 passes over what follows the key, another curve than the type's, a point that is on none, and zeros before a
    // number: each would be another fingerprint of the same key.
    if (!parsed.getPublicSSH().equals(blob)) throw new Error('it is written back otherwise');
    if (type === 'ssh-rsa' && fieldsOf(blob).slice(1).some(isPadded))
      throw new Error('it has zeros before a number');
    createPublicKey(parsed.getPublicPEM());
  } catch (error) {
    throw fail(`it does not read as ${type}`, error);
  }
  return { type, blob };
}

const minRsaBits = 2048;

/**
 * Why nobody should rely on a key, in words that go after "the key is not usable: "; undefined for a key that is strong
 * enough. Ends that heed the advice of today refuse the same: such a key would fail in the middle of a handshake.
 */
export function weakness({ type, blob }: PublicKey): string | undefined {
  if (type !== 'ssh-rsa') return undefined;
  const [, , modulus = Buffer.alloc(0)] = fieldsOf(blob);
  const first = modulus.findIndex((byte) => byte !== 0);
  const bits = first < 0 ? 0 : (modulus.length - first) * 8 - (Math.clz32(modulus[first] ?? 0) - 24);
  return bits < minRsaBits
    ? `it is RSA of ${bits} bits, and ${minRsaBits} are needed: make a new one, best Ed25519`
    : undefined;
}

/** Why a key is none to know somebody by, as `weakness` says it: it is weak, or there are other ways to write it. */
export function unfitness(blob: Buffer): string | undefined {
  try {
    return weakness(publicKeyFromBlob(blob, 'it'));
  } catch (error) {
    return isCallhomeError(error, 'CALLHOME_KEY_INVALID') ? error.facts.why : reasonOf(error);
  }
}

/** [HOST] TYPE BASE64 [COMMENT]; the base64 of every blob starts with the zeros of its first length. */
const keyLine = /^(?:\S+\s+)?(?<type>\S+)\s+(?<base64>AAAA[A-Za-z0-9+/]+={0,2})(?:\s|$)/;

/**
 * Reads public keys as `.pub` files, `authorized_keys` without options, and `ssh-keyscan` give them: one a line.
 * @throws CALLHOME_KEY_INVALID, naming `what` and the line
 */
export function publicKeysFromText(text: string, what: string): PublicKey[] {
  const fail = (where: string, why: string) =>
    new CallhomeError('CALLHOME_KEY_INVALID', { what: where, why });
  if (text.includes('PRIVATE KEY-'))
    throw fail(what, 'it is a private key; give the public half, the .pub file');
  const keys = text.split(/\r?\n/).flatMap((line, index): PublicKey[] => {
    if (/^\s*(#|$)/.test(line)) return [];
    const where = `${what} line ${index + 1}`;
    const { type, base64 } = keyLine.exec(line.trim())?.groups ?? {};
    if (type === undefined || base64 === undefined) throw fail(where, 'a line must be TYPE BASE64 [COMMENT]');
    const key = publicKeyFromBlob(Buffer.from(base64, 'base64'), where);
    if (key.type !== type) throw fail(where, `the line says ${type} but the key is ${key.type}`);
    return [key];
  });
  if (keys.length === 0) throw fail(what, 'it holds no public key');
  return keys;
}

/** One line of OpenSSH's public key format. */
export function publicKeyLine(key: PublicKey, comment: string): string {
  return `${key.type} ${key.blob.toString('base64')} ${comment}`;
}

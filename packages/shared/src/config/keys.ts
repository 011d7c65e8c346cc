import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { z } from 'zod';
import { CallhomeError, reasonOf } from '../errors.js';
import { type KeyPair, keyPairFromDer, type PrivateKeyEncoding } from '../ssh/key-pair.js';
import { keyType, type PublicKey, publicKeyFromBlob, weakness } from '../ssh/public-key.js';
import type { asymmetricKeyPairGrouping, publicKeyGrouping } from './modules/ietf-crypto-types.js';

export type AsymmetricKey = z.infer<z.ZodObject<typeof asymmetricKeyPairGrouping>>;
export type PublicKeyEntry = z.infer<z.ZodObject<typeof publicKeyGrouping>> & { readonly name: string };

const encodings = {
  'ietf-crypto-types:rsa-private-key-format': 'pkcs1',
  'ietf-crypto-types:ec-private-key-format': 'sec1',
  'ietf-crypto-types:one-asymmetric-key-format': 'pkcs8',
} as const satisfies Record<string, PrivateKeyEncoding>;

type Format = keyof typeof encodings;

/** PKCS#8 first: what reads PKCS#1 or SEC1 takes PKCS#8 too. */
const formats: readonly Format[] = [
  'ietf-crypto-types:one-asymmetric-key-format',
  'ietf-crypto-types:rsa-private-key-format',
  'ietf-crypto-types:ec-private-key-format',
];

function isPrivateKey(der: Buffer, format: Format): boolean {
  try {
    createPrivateKey({ key: der, format: 'der', type: encodings[format] });
    return true;
  } catch {
    return false;
  }
}

/** The format that a private key is in, whatever is stated; undefined where it is in none of the model's. */
function formatOf(der: Buffer): Format | undefined {
  return formats.find((format) => isPrivateKey(der, format));
}

function isPublicKeyInfo(der: Buffer): boolean {
  try {
    createPublicKey({ key: der, format: 'der', type: 'spki' });
    return true;
  } catch {
    return false;
  }
}

/** What the bytes are that stand where a private key should, for a reader who has to put it right. Nothing of them is shown. */
function whatItIs(bytes: Buffer): string | undefined {
  const format = formatOf(bytes);
  if (format) return `it is in the private-key-format ${format}: state that one`;
  const text = bytes.toString('latin1');
  if (text.startsWith('openssh-key-v1\0') || text.includes('-----BEGIN OPENSSH'))
    return "it is in OpenSSH's own format: `ssh-keygen -p -m PKCS8 -f FILE` rewrites the file, then `openssl pkcs8 -topk8 -nocrypt -in FILE -outform DER | base64 -w0` prints it for one-asymmetric-key-format";
  if (text.includes('-----BEGIN'))
    return 'it is PEM, which is base64 already: give what stands between its first and its last line, as one line';
  return keyType(bytes) !== '' || isPublicKeyInfo(bytes) ? 'it is a public key' : undefined;
}

/** What is to be told of the private-key-format of a pair that is readable: another one is stated than it has. */
export function misstatedFormat(node: AsymmetricKey): string | undefined {
  const actual = formatOf(decode(node['cleartext-private-key']));
  return actual === undefined || actual === node['private-key-format']
    ? undefined
    : `is read, though its private-key-format should be ${actual}`;
}

function decode(base64: string | undefined): Buffer {
  return Buffer.from(base64 ?? '', 'base64');
}

function readPair(der: Buffer, format: Format, what: string): KeyPair {
  try {
    return keyPairFromDer(der, encodings[format], what);
  } catch (error) {
    const known = isPrivateKey(der, format) ? undefined : whatItIs(der);
    if (known === undefined) throw error;
    throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why: known }, error);
  }
}

/**
 * Reads a key pair.
 * @param what it is called in the error
 * @throws CALLHOME_KEY_INVALID when it is unreadable or weak, or its halves do not belong together
 */
export function readKeyPair(node: AsymmetricKey, what: string): KeyPair {
  const format = node['private-key-format'];
  if (!format) throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why: 'it has no private-key-format' });
  const der = decode(node['cleartext-private-key']);
  const pair = readPair(der, format, what);
  const weak = weakness(pair.publicKey);
  if (weak !== undefined) throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why: weak });
  const stated = node['public-key'];
  const isInfo = node['public-key-format'] === 'ietf-crypto-types:subject-public-key-info-format';
  const actual = isInfo
    ? createPublicKey(pair.privateKey).export({ format: 'der', type: 'spki' })
    : pair.publicKey.blob;
  if (stated !== undefined && !decode(stated).equals(actual)) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what,
      why: 'its public key does not belong to its private key',
    });
  }
  return pair;
}

/**
 * Reads a public key in SSH's format; undefined for one that is sound and in the other format.
 * @throws CALLHOME_KEY_INVALID when it is unreadable or weak
 */
export function readPublicKey(entry: PublicKeyEntry): PublicKey | undefined {
  const bytes = decode(entry['public-key']);
  if (entry['public-key-format'] === 'ietf-crypto-types:ssh-public-key-format') {
    const key = publicKeyFromBlob(bytes, 'the key');
    const why = weakness(key);
    if (why !== undefined) throw new CallhomeError('CALLHOME_KEY_INVALID', { what: 'the key', why });
    return key;
  }
  try {
    createPublicKey({ key: bytes, format: 'der', type: 'spki' });
    return undefined;
  } catch (error) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what: 'the key',
      why: `it is no SubjectPublicKeyInfo (${reasonOf(error)})`,
    });
  }
}

/** One of the two, as grouping inline-or-keystore-asymmetric-key-grouping has it. */
export interface KeyChoice {
  readonly 'inline-definition'?: AsymmetricKey | undefined;
  readonly 'central-keystore-reference'?: string | undefined;
}

/** One of the two, as grouping inline-or-truststore-public-keys-grouping has it. */
export interface KeysChoice {
  readonly 'inline-definition'?: { readonly 'public-key': readonly PublicKeyEntry[] } | undefined;
  readonly 'central-truststore-reference'?: string | undefined;
}

/** The leaves of a key pair, as a configuration writes it. */
export function keyPairLeaves(pair: KeyPair): Record<string, string> {
  return {
    'public-key-format': 'ietf-crypto-types:ssh-public-key-format',
    'public-key': pair.publicKey.blob.toString('base64'),
    'private-key-format': 'ietf-crypto-types:one-asymmetric-key-format',
    'cleartext-private-key': pair.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  };
}

/** The leaves of a public key, as a configuration writes it. */
export function publicKeyLeaves(key: PublicKey): Record<string, string> {
  return {
    'public-key-format': 'ietf-crypto-types:ssh-public-key-format',
    'public-key': key.blob.toString('base64'),
  };
}

import { createPublicKey } from 'node:crypto';
import type { z } from 'zod';
import { CallhomeError, reasonOf } from '../errors.js';
import { type KeyPair, keyPairFromDer, type PrivateKeyEncoding } from '../ssh/key-pair.js';
import { type PublicKey, publicKeyFromBlob } from '../ssh/public-key.js';
import type { asymmetricKeyPairGrouping, publicKeyGrouping } from './ietf-crypto-types.js';

export type AsymmetricKey = z.infer<z.ZodObject<typeof asymmetricKeyPairGrouping>>;
export type PublicKeyEntry = z.infer<z.ZodObject<typeof publicKeyGrouping>> & { readonly name: string };

const encodings = {
  'ietf-crypto-types:rsa-private-key-format': 'pkcs1',
  'ietf-crypto-types:ec-private-key-format': 'sec1',
  'ietf-crypto-types:one-asymmetric-key-format': 'pkcs8',
} as const satisfies Record<string, PrivateKeyEncoding>;

function decode(base64: string | undefined): Buffer {
  return Buffer.from(base64 ?? '', 'base64');
}

/**
 * Reads a key pair.
 * @param what it is called in the error
 * @throws CALLHOME_KEY_INVALID when it is unreadable, or its halves do not belong together
 */
export function readKeyPair(node: AsymmetricKey, what: string): KeyPair {
  const format = node['private-key-format'];
  if (!format) throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why: 'it has no private-key-format' });
  const pair = keyPairFromDer(decode(node['cleartext-private-key']), encodings[format], what);
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

/** Reads a public key in SSH's format; undefined for one that is sound and in the other format. @throws CALLHOME_KEY_INVALID */
export function readPublicKey(entry: PublicKeyEntry): PublicKey | undefined {
  const bytes = decode(entry['public-key']);
  if (entry['public-key-format'] === 'ietf-crypto-types:ssh-public-key-format')
    return publicKeyFromBlob(bytes, 'the key');
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

import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { CallhomeError, reasonOf } from '../errors.js';
import { type KeyPair, keyPairFromDer, type PrivateKeyEncoding } from '../ssh/key-pair.js';
import { type PublicKey, publicKeyFromBlob } from '../ssh/public-key.js';

/** YANG `binary`: base64 (RFC 4648 §4). */
const binary = z
  .string()
  .regex(/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, { error: 'must be base64' })
  .transform((text) => Buffer.from(text, 'base64'));

const encodings = {
  'ietf-crypto-types:rsa-private-key-format': 'pkcs1',
  'ietf-crypto-types:ec-private-key-format': 'sec1',
  'ietf-crypto-types:one-asymmetric-key-format': 'pkcs8',
} as const satisfies Record<string, PrivateKeyEncoding>;

const privateKeyFormat = z
  .enum([
    'ietf-crypto-types:rsa-private-key-format',
    'ietf-crypto-types:ec-private-key-format',
    'ietf-crypto-types:one-asymmetric-key-format',
  ])
  .transform((format) => encodings[format]);

const publicKeyFormat = z.enum([
  'ietf-crypto-types:ssh-public-key-format',
  'ietf-crypto-types:subject-public-key-info-format',
]);

type PublicKeyFormat = z.infer<typeof publicKeyFormat>;

/** grouping public-key-grouping. */
export const publicKeyGrouping = {
  'public-key-format': publicKeyFormat,
  'public-key': binary,
};

/** grouping asymmetric-key-pair-grouping, with the private key in clear text. */
export const asymmetricKeyPairGrouping = {
  'public-key-format': publicKeyFormat.optional(),
  'public-key': binary.optional(),
  'private-key-format': privateKeyFormat,
  'cleartext-private-key': binary,
};

/** SSH's users and servers take public keys in SSH's format alone: a `must` of the model. */
function requireSshFormat(format: PublicKeyFormat | undefined, what: string): void {
  if (format === undefined || format === 'ietf-crypto-types:ssh-public-key-format') return;
  throw new CallhomeError('CALLHOME_KEY_INVALID', {
    what,
    why: 'for SSH it must be in the ssh-public-key-format',
  });
}

type AsymmetricKeyPair = z.infer<z.ZodObject<typeof asymmetricKeyPairGrouping>>;

/** Reads the key pair. @throws CALLHOME_KEY_INVALID when it is unreadable, or its halves do not belong together */
export function readKeyPair(node: AsymmetricKeyPair, what: string): KeyPair {
  const pair = keyPairFromDer(node['cleartext-private-key'], node['private-key-format'], what);
  const stated = node['public-key'];
  const isInfo = node['public-key-format'] === 'ietf-crypto-types:subject-public-key-info-format';
  const actual = isInfo
    ? createPublicKey(pair.privateKey).export({ format: 'der', type: 'spki' })
    : pair.publicKey.blob;
  if (stated !== undefined && !stated.equals(actual)) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what,
      why: 'its public key does not belong to its private key',
    });
  }
  return pair;
}

/** Reads a key pair for SSH. @throws as `readKeyPair` */
export function readSshKeyPair(node: AsymmetricKeyPair, what: string): KeyPair {
  requireSshFormat(node['public-key-format'], what);
  return readKeyPair(node, what);
}

type PublicKeyNode = z.infer<z.ZodObject<typeof publicKeyGrouping>>;

/** Reads a public key for SSH. @throws CALLHOME_KEY_INVALID */
export function readSshPublicKey(node: PublicKeyNode, what: string): PublicKey {
  requireSshFormat(node['public-key-format'], what);
  return publicKeyFromBlob(node['public-key'], what);
}

/** Whether a public key is what its format says. @throws CALLHOME_KEY_INVALID */
export function checkPublicKey(node: PublicKeyNode, what: string): void {
  if (node['public-key-format'] === 'ietf-crypto-types:ssh-public-key-format') {
    publicKeyFromBlob(node['public-key'], what);
    return;
  }
  try {
    createPublicKey({ key: node['public-key'], format: 'der', type: 'spki' });
  } catch (error) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what,
      why: `it is no SubjectPublicKeyInfo (${reasonOf(error)})`,
    });
  }
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

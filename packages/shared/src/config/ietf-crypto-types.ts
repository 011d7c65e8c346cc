import { z } from 'zod';
import { CallhomeError } from '../errors.js';
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

const sshPublicKeyFormat = z.literal('ietf-crypto-types:ssh-public-key-format');

/** grouping public-key-grouping, in the SSH format that an SSH server's users need. */
export const publicKeyGrouping = {
  'public-key-format': sshPublicKeyFormat,
  'public-key': binary,
};

/** grouping asymmetric-key-pair-grouping, with the private key in clear text. */
export const asymmetricKeyPairGrouping = {
  'public-key-format': sshPublicKeyFormat.optional(),
  'public-key': binary.optional(),
  'private-key-format': privateKeyFormat,
  'cleartext-private-key': binary,
};

type AsymmetricKeyPair = z.infer<z.ZodObject<typeof asymmetricKeyPairGrouping>>;

/** Reads the key pair. @throws CALLHOME_KEY_INVALID when it is unreadable, or its halves do not belong together */
export function readKeyPair(node: AsymmetricKeyPair, what: string): KeyPair {
  const pair = keyPairFromDer(node['cleartext-private-key'], node['private-key-format'], what);
  const stated = node['public-key'];
  if (stated !== undefined && !stated.equals(pair.publicKey.blob)) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what,
      why: 'its public key does not belong to its private key',
    });
  }
  return pair;
}

/** Reads the public key. @throws CALLHOME_KEY_INVALID */
export function readPublicKey(node: z.infer<z.ZodObject<typeof publicKeyGrouping>>, what: string): PublicKey {
  return publicKeyFromBlob(node['public-key'], what);
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

import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { CallhomeError, reasonOf } from '../errors.js';
import { algorithms } from './algorithms.js';
import type { PublicKey } from './public-key.js';
import { writeStrings } from './wire.js';

/** A private key and the public half that SSH shows of it. */
export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
}

/** The encodings of `private-key-format` in ietf-crypto-types (RFC 9640). */
export type PrivateKeyEncoding = 'pkcs1' | 'sec1' | 'pkcs8';

/** RFC 4251 §5: a positive mpint starts with a zero byte where its high bit would be set. */
function mpint(unsigned: Buffer): Buffer {
  return (unsigned[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), unsigned]) : unsigned;
}

const curves: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

/** The SSH wire format of a key's public half. @throws CALLHOME_KEY_INVALID for kinds that SSH has no name for */
export function publicKeyOf(key: KeyObject, what: string): PublicKey {
  const jwk = key.export({ format: 'jwk' });
  const part = (value: string | undefined) => Buffer.from(value ?? '', 'base64url');
  const make = (type: string, ...parts: Buffer[]): PublicKey => ({
    type,
    blob: writeStrings(Buffer.from(type), ...parts),
  });
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return make('ssh-ed25519', part(jwk.x));
  if (jwk.kty === 'RSA') return make('ssh-rsa', mpint(part(jwk.e)), mpint(part(jwk.n)));
  const curve = jwk.kty === 'EC' && jwk.crv ? curves[jwk.crv] : undefined;
  if (curve === undefined) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what,
      why: 'SSH uses RSA, Ed25519 and ECDSA on NIST curves',
    });
  }
  const point = Buffer.concat([Buffer.from([4]), part(jwk.x), part(jwk.y)]);
  return make(`ecdsa-sha2-${curve}`, Buffer.from(curve), point);
}

/** Reads a private key in DER. @throws CALLHOME_KEY_INVALID, naming `what` and nothing of the key */
export function keyPairFromDer(der: Buffer, encoding: PrivateKeyEncoding, what: string): KeyPair {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: der, format: 'der', type: encoding });
  } catch (error) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', {
      what,
      why: `it is not ${encoding} DER (${reasonOf(error)})`,
    });
  }
  return { privateKey, publicKey: publicKeyOf(privateKey, what) };
}

/** A fresh Ed25519 key pair. */
export function generateKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, publicKey: publicKeyOf(privateKey, 'the new key') };
}

const hashes: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

/**
 * A key for ssh2 to sign with. ssh2 would read PEM again for every signature, and knows no PKCS#8; it takes this parsed
 * public key whose `sign` uses the key object instead. RSA signs with SHA-2 alone (RFC 8332).
 */
export function signer(pair: KeyPair): ParsedKey {
  const { type, blob } = pair.publicKey;
  const parsed = ssh2.utils.parseKey(`${type} ${blob.toString('base64')}`);
  if (parsed instanceof Error) {
    throw new CallhomeError('CALLHOME_KEY_INVALID', { what: 'the key', why: parsed.message });
  }
  const signWith = (data: Buffer | string, algorithm?: string): Buffer | Error => {
    // ssh2 names no algorithm where it wants ssh-rsa's SHA-1, and takes an error for an answer only when it is returned.
    if (type === 'ssh-rsa' && algorithm !== 'sha256' && algorithm !== 'sha512') {
      return new Error('the peer takes no RSA signature but with SHA-1');
    }
    return sign(algorithm ?? hashes[type] ?? null, Buffer.from(data), pair.privateKey);
  };
  return Object.assign(parsed, { isPrivateKey: () => true, getPrivatePEM: () => '', sign: signWith });
}

/** The type of the keys that sign with an algorithm: RSA has several (RFC 8332). */
export function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

/**
 * The keys for ssh2's server to prove its host with, in the order of the algorithms; for each the first key of its kind.
 * ssh2 offers each key under its `type`, and an `ssh-rsa` key with SHA-1 as well, whatever it is told: so an RSA key
 * goes in once for each algorithm of RFC 8332, and as `ssh-rsa` only where that is among the algorithms.
 * It takes a parsed key only as the member `key` of another object, hence the key inside itself.
 */
export function hostSigners(
  pairs: readonly KeyPair[],
  algorithmNames: readonly string[] = algorithms.serverHostKey,
): ParsedKey[] {
  return algorithmNames.flatMap((algorithm) => {
    const pair = pairs.find(({ publicKey }) => publicKey.type === keyTypeOf(algorithm));
    if (!pair) return [];
    const key = Object.assign(signer(pair), { type: algorithm });
    if (algorithm === 'ssh-rsa') key.sign = (data) => sign('sha1', Buffer.from(data), pair.privateKey);
    return [Object.assign(key, { key })];
  });
}

import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ParsedKey } from 'ssh2';
import { algorithms } from './algorithms.js';
import { hostSigners, type KeyPair } from './key-pair.js';

/** The lists of `transport-params` (RFC 9644), by IANA's names, best first; where one is absent or empty, callhome's. */
export interface TransportParams {
  /** host-key/host-key-alg */
  readonly hostKey?: readonly string[] | undefined;
  /** key-exchange/key-exchange-alg */
  readonly keyExchange?: readonly string[] | undefined;
  /** encryption/encryption-alg */
  readonly encryption?: readonly string[] | undefined;
  /** mac/mac-alg */
  readonly mac?: readonly string[] | undefined;
}

/** What of the lists cannot be had. */
export interface AlgorithmProblem {
  readonly list: keyof TransportParams;
  /** The place in the list; undefined where all of it is meant. */
  readonly index: number | undefined;
  readonly why: string;
}

// What ssh2 can do of what IANA or OpenSSH has a name for, the weak too: they are offered only where they are asked for by name.

const hostKeyAlgorithms: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ssh-ed25519',
  'ecdsa-sha2-nistp256': 'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384': 'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521': 'ecdsa-sha2-nistp521',
  'rsa-sha2-512': 'rsa-sha2-512',
  'rsa-sha2-256': 'rsa-sha2-256',
  'ssh-rsa': 'ssh-rsa',
};

/** Without the group exchanges: ssh2's server has none. */
const keyExchangeAlgorithms: Readonly<Record<string, KexAlgorithm>> = {
  'curve25519-sha256': 'curve25519-sha256',
  'curve25519-sha256@libssh.org': 'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256': 'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384': 'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521': 'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256': 'diffie-hellman-group14-sha256',
  'diffie-hellman-group15-sha512': 'diffie-hellman-group15-sha512',
  'diffie-hellman-group16-sha512': 'diffie-hellman-group16-sha512',
  'diffie-hellman-group17-sha512': 'diffie-hellman-group17-sha512',
  'diffie-hellman-group18-sha512': 'diffie-hellman-group18-sha512',
  'diffie-hellman-group14-sha1': 'diffie-hellman-group14-sha1',
  'diffie-hellman-group1-sha1': 'diffie-hellman-group1-sha1',
};

/** The AEAD ciphers go by OpenSSH's names on the wire, which are those that peers know. */
const encryptionAlgorithms: Readonly<Record<string, CipherAlgorithm>> = {
  AEAD_AES_128_GCM: 'aes128-gcm@openssh.com',
  AEAD_AES_256_GCM: 'aes256-gcm@openssh.com',
  'chacha20-poly1305': 'chacha20-poly1305@openssh.com',
  'aes128-gcm@openssh.com': 'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com': 'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com': 'chacha20-poly1305@openssh.com',
  'aes128-ctr': 'aes128-ctr',
  'aes192-ctr': 'aes192-ctr',
  'aes256-ctr': 'aes256-ctr',
  'aes128-cbc': 'aes128-cbc',
  'aes192-cbc': 'aes192-cbc',
  'aes256-cbc': 'aes256-cbc',
  '3des-cbc': '3des-cbc',
};

/** Without those of the AEAD ciphers, which bring their own and need none of a list. */
const macAlgorithms: Readonly<Record<string, MacAlgorithm>> = {
  'hmac-sha2-256': 'hmac-sha2-256',
  'hmac-sha2-512': 'hmac-sha2-512',
  'hmac-sha2-256-etm@openssh.com': 'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com': 'hmac-sha2-512-etm@openssh.com',
  'hmac-sha1-etm@openssh.com': 'hmac-sha1-etm@openssh.com',
  'hmac-sha1': 'hmac-sha1',
  'hmac-sha1-96': 'hmac-sha1-96',
  'hmac-md5': 'hmac-md5',
  'hmac-md5-96': 'hmac-md5-96',
};

/** What ssh2's server is to offer. */
export interface ServerOffer {
  readonly hostKeys: ParsedKey[];
  readonly algorithms: Algorithms;
  /** Where there is one, nothing must be served: what is left of a list is not what was asked for. */
  readonly problems: readonly AlgorithmProblem[];
}

/** Exactly the algorithms of the lists, in their order, and the host keys that fit. */
export function serverOffer(hostKeys: readonly KeyPair[], params: TransportParams): ServerOffer {
  const problems: AlgorithmProblem[] = [];
  function resolve<T>(list: keyof TransportParams, table: Readonly<Record<string, T>>, ours: T[]): T[] {
    const names = params[list];
    if (!names?.length) return ours;
    return names.flatMap((name, index) => {
      const known = Object.hasOwn(table, name) ? table[name] : undefined;
      if (known !== undefined) return [known];
      problems.push({ list, index, why: `the algorithm ${name} is not supported` });
      return [];
    });
  }
  const hostKeyNames = resolve('hostKey', hostKeyAlgorithms, algorithms.serverHostKey);
  const signers = hostSigners(hostKeys, hostKeyNames);
  if (hostKeyNames.length > 0 && signers.length === 0)
    problems.push({ list: 'hostKey', index: undefined, why: 'no host key fits these algorithms' });
  return {
    hostKeys: signers,
    algorithms: {
      kex: resolve('keyExchange', keyExchangeAlgorithms, algorithms.kex),
      cipher: resolve('encryption', encryptionAlgorithms, algorithms.cipher),
      hmac: resolve('mac', macAlgorithms, algorithms.hmac),
      compress: algorithms.compress,
      // Of a server ssh2 takes this for keys of the type `ssh-rsa` alone, to offer them with SHA-2 as well.
      serverHostKey: ['ssh-rsa'],
    },
    problems,
  };
}

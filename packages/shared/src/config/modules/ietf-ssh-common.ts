import { container, leaf, leafList, presence } from '../yang/node.js';
import { type enumeration, stringOf, typeFacts, uint8, uint16 } from '../yang/types.js';
import { sshEncryptionAlgorithm } from './iana-ssh-encryption-algs.js';
import { sshKeyExchangeAlgorithm } from './iana-ssh-key-exchange-algs.js';
import { sshMacAlgorithm } from './iana-ssh-mac-algs.js';
import { sshPublicKeyAlgorithm } from './iana-ssh-public-key-algs.js';

/** A name of IANA's, or one of somebody's own with an `@` in it (RFC 4251 §6). */
function algorithm(name: string, registered: ReturnType<typeof enumeration>) {
  const { names = [], values } = typeFacts(registered);
  const all = new Set(names);
  return stringOf(
    `sshcmn:${name}`,
    `one of ${values}, or a private name with an @ in it, of up to 64 characters`,
    (text) => all.has(text) || (/^[^\n]*@[^\n]*$/.test(text) && [...text].length <= 64),
  );
}

/** grouping transport-params-grouping. */
export const transportParamsGrouping = {
  'host-key': container(
    {
      'host-key-alg': leafList(algorithm('ssh-public-key-algorithm', sshPublicKeyAlgorithm), {
        description: 'Host key algorithms, the preferred first.',
      }),
    },
    { description: 'Host key algorithms.' },
  ),
  'key-exchange': container(
    {
      'key-exchange-alg': leafList(algorithm('ssh-key-exchange-algorithm', sshKeyExchangeAlgorithm), {
        description: 'Key exchange methods, the preferred first.',
      }),
    },
    { description: 'Key exchange methods.' },
  ),
  encryption: container(
    {
      'encryption-alg': leafList(algorithm('ssh-encryption-algorithm', sshEncryptionAlgorithm), {
        description: 'Ciphers, the preferred first.',
      }),
    },
    { description: 'Ciphers.' },
  ),
  mac: container(
    {
      'mac-alg': leafList(algorithm('ssh-mac-algorithm', sshMacAlgorithm), {
        description: 'MACs, the preferred first.',
      }),
    },
    { description: 'MACs.' },
  ),
};

/** The leaves of the keep-alives of SSH and TLS, of both ends. */
export const keepalivesLeaves = {
  'max-wait': leaf(uint16(1), {
    default: 30,
    units: 'seconds',
    description: 'Silence of the peer before each probe.',
  }),
  'max-attempts': leaf(uint8(), {
    default: 3,
    description: "Unanswered probes that end the connection; with 0 the first probe's time does.",
  }),
};

/** container keepalives of both ends of SSH. */
export const keepalives = presence(keepalivesLeaves, {
  description: 'Probes on SSH whether the peer is alive; without it there are none.',
});

/** What is wrong with a user's name beyond the model, which takes any string. */
export function userFinding(name: string): string | undefined {
  return name === '' || /\p{Cc}/u.test(name) ? 'is no name that anybody could log in with' : undefined;
}

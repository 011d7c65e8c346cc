import { absent, container, type Fields, leaf, leafList, presence, type Rule } from '../yang/node.js';
import { empty, identityref } from '../yang/types.js';
import { tlsCipherSuiteAlgorithm } from './iana-tls-cipher-suite-algs.js';
import { keepalivesLeaves } from './ietf-ssh-common.js';
import { inlineOrTruststoreCerts } from './ietf-truststore.js';

const tlsVersion = identityref('ietf-tls-common', ['tls12', 'tls13']);

/** container hello-params of both ends of TLS: grouping hello-params-grouping. */
export const helloParams = container(
  {
    'tls-versions': container(
      {
        min: leaf(tlsVersion, { description: 'The oldest version.' }),
        max: leaf(tlsVersion, { description: 'The newest version.' }),
      },
      { description: 'Versions of TLS.' },
    ),
    'cipher-suites': container(
      {
        'cipher-suite': leafList(tlsCipherSuiteAlgorithm, {
          description: 'Cipher suites, the preferred first.',
        }),
      },
      { description: 'Cipher suites.' },
    ),
  },
  { description: 'What to offer in the handshake; where it is empty, what is secure today.' },
);

/** container keepalives of both ends of TLS. */
export const tlsKeepalives = container(
  {
    'peer-allowed-to-send': leaf(empty, { description: 'The peer may send heartbeats (RFC 6520).' }),
    'test-peer-aliveness': presence(keepalivesLeaves, {
      description: 'Probes on TLS whether the peer is alive; without it there are none.',
    }),
  },
  { description: 'Whether the peer is alive.' },
);

/**
 * The members by which either end of TLS trusts the other.
 * @param module of the end, whose features these are @param role of the end, in the names of its features
 */
export function trustedPeers(module: string, role: 'client-auth' | 'server-auth') {
  return {
    'ca-certs': presence(inlineOrTruststoreCerts, {
      description: "Certificate authorities: a peer's certificate has to be issued under one of them.",
    }),
    'ee-certs': presence(inlineOrTruststoreCerts, { description: 'Certificates of the peers themselves.' }),
    'raw-public-keys': absent(`${module}:${role}-raw-public-key`),
    'tls12-psks': leaf(empty, { description: 'Peers with a pre-shared key of TLS 1.2.' }),
    'tls13-epsks': absent(`${module}:${role}-tls13-epsk`),
  };
}

/** The `must` of those members. */
export const trustsPeers: Rule = {
  holds: (node: Fields) => ['ca-certs', 'ee-certs', 'tls12-psks'].some((name) => node[name] !== undefined),
  error: 'must have "ca-certs", "ee-certs" or "tls12-psks"',
};

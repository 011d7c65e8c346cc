import { splitName } from '@callhome/shared/config/yang/modules.js';
import type { TypeFacts } from '@callhome/shared/config/yang/types.js';
import fc from 'fast-check';
import type { Draw } from './documents.js';

const oddValues: readonly unknown[] = [
  0,
  -1,
  1,
  255,
  256,
  65535,
  65536,
  4294967296,
  3601,
  1000001,
  true,
  false,
  null,
  '',
  ' ',
  '5',
  'x',
  'nowhere',
  'AAA',
  'A A=',
  '1.2.3',
  '::g',
  'a b',
  '/',
  'é',
  '2026-01-31T02:30:01Z',
  '2026-01-31T02:30:00',
  '$2$x',
  'ssh-ed25519',
  'first-listed',
  'random-selection',
  'ietf-crypto-types:ssh-public-key-format',
  'ietf-crypto-types:subject-public-key-info-format',
  'ietf-crypto-types:octet-string-key-format',
  'ietf-tls-common:tls12',
  'ietf-x509-cert-to-name:specified',
  'ietf-x509-cert-to-name:common-name',
  'ssh-public-key-format',
  'one',
  'two',
  [],
  [null],
  ['x'],
  [{}],
  {},
  { name: 'x' },
];

/** One of them, not shared with any other document: it may be changed again. */
export function oddValue(draw: Draw): unknown {
  return structuredClone(draw(fc.constantFrom(...oddValues)));
}

export const oddMembers = [
  'colour',
  'name',
  'description',
  'tls',
  'ssh',
  'none',
  'hostbased',
  'certificate',
  'raw-public-keys',
  'tls13-epsks',
  'tls12-psks',
  'hidden-private-key',
  'encrypted-password',
  'last-modified',
  'ca-certs',
  'ee-certs',
  'initiate',
  'gss-api',
  'local-port',
  'inline-definition',
  'central-keystore-reference',
  'central-truststore-reference',
  'periodic',
  'persistent',
  'keepalives',
  'embedded',
  'command',
  'public-key-format',
  'private-key-format',
  'ietf-netconf-server:name',
  'ietf-tcp-client:local-port',
  'callhome-agent:outbound-ssh',
  'callhome-nms:user',
  'bogus:name',
  'ietf-netconf-acm:nacm',
  'client-identity-mappings',
];

export const modules = ['ietf-netconf-server', 'ietf-keystore', 'callhome-agent', 'ietf-ssh-server', 'bogus'];

/** By the names of types: values at the edges of what the type takes, on either side. */
const edges: Readonly<Record<string, readonly string[]>> = {
  binary: [
    'A',
    'AA',
    'AAA',
    'AA=',
    'A===',
    'AAAA=',
    'AA==AA==',
    'AA-_',
    `${'QUJD'.repeat(16)}\n`,
    'QUJD\nQUJD',
  ],
  'inet:host': [
    'x'.repeat(63),
    'x'.repeat(64),
    `${`${'x'.repeat(61)}.`.repeat(4)}abcde`,
    `${`${'x'.repeat(61)}.`.repeat(4)}abcdef`,
    ...[
      'fe80::1%eth-0',
      'fe80::1%',
      '192.0.2.1%1',
      '.',
      '..',
      '_',
      'a_',
      '-a',
      'a-',
      'a-b',
      '_a',
      'é.com',
      'a b',
    ],
  ],
  'inet:ip-address': [
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    '1::2::3',
    'fe80::1%a-b',
    'fe80::1%²',
    '::ffff:1.2.3.4',
  ],
  'inet:ip-address-no-zone': ['fe80::1%lo', '127.0.0.1%1', '::1%', 'localhost', '::ffff:1.2.3.4'],
  'yang:date-and-time': [
    ...['2026-01-31T02:30:00+14:00', '2026-01-31T02:30:00+14:30', '2026-01-31T02:30:00-13:59'],
    ...['2026-01-31T02:30:01Z', '2026-01-31T02:30:00.0Z', '2026-01-31T24:00:00Z', '2026-01-31T23:60:00Z'],
    ...['2026-13-31T02:30:00Z', '2026-00-31T02:30:00Z', '2026-12-32T02:30:00Z', '2026-12-00T02:30:00Z'],
    ...['2026-02-31T02:30:00Z', '2026-01-31T02:30:00z', '2026-01-31 02:30:00Z', '2026-01-31T02:30:00+13:60'],
  ],
  'x509c2n:tls-fingerprint': [
    Array(255).fill('aB').join(':'),
    Array(256).fill('aB').join(':'),
    ...['4:ab', '04:a', '04:', ':04', '04:0g', '04ab', ''],
  ],
  'ianach:crypt-hash': [
    ...['$0$', '$0$a\nb', '$2$x', '$0', ''],
    ...[1, 8, 9].map((length) => `$1$${'s'.repeat(length)}$${'.'.repeat(22)}`),
    ...[21, 23].map((length) => `$1$s$${'.'.repeat(length)}`),
    ...[0, 1, 16, 17].map((length) => `$5$${'s'.repeat(length)}$${'.'.repeat(43)}`),
    ...[0, 1, 16, 17].map((length) => `$6$${'s'.repeat(length)}$${'.'.repeat(86)}`),
    ...[42, 44, 86].map((length) => `$5$s$${'.'.repeat(length)}`),
    ...[43, 85, 87].map((length) => `$6$s$${'.'.repeat(length)}`),
    ...['', '1', 'x', '٣', '-1'].map((rounds) => `$5$rounds=${rounds}$s$${'.'.repeat(43)}`),
    ...['', '1', 'x', '٣', '-1'].map((rounds) => `$6$rounds=${rounds}$s$${'.'.repeat(86)}`),
  ],
};

/** Of the published modules, whatever our schema has. */
const identities: Readonly<Record<string, readonly string[]>> = {
  'ietf-crypto-types': [
    ...['rsa-private-key-format', 'ec-private-key-format', 'one-asymmetric-key-format', 'private-key-format'],
    ...['ssh-public-key-format', 'subject-public-key-info-format', 'public-key-format'],
    ...['octet-string-key-format', 'one-symmetric-key-format', 'symmetric-key-format'],
    ...['symmetrically-encrypted-value-format', 'cms-encrypted-data-format', 'p10-csr-format'],
  ],
  'ietf-tls-common': ['tls-version-base', 'tls12', 'tls13'],
  'ietf-x509-cert-to-name': [
    ...['specified', 'san-rfc822-name', 'san-dns-name', 'san-ip-address', 'san-any', 'common-name'],
    'cert-to-name',
  ],
};

export function identitiesBeside(known: readonly string[]): string[] {
  const { module = '' } = splitName(known[0] ?? '');
  return (identities[module] ?? []).map((name) => `${module}:${name}`);
}

/** For names of algorithms. */
const algorithmEdges = [
  ...[63, 64].map((length) => `${'x'.repeat(length)}@`),
  ...[31, 32, 63, 64].map((length) => `${'😀'.repeat(length)}@`),
  ...['x@\n', '\n@', 'x', 'aes128-CTR', 'ssh-ed25519 ', 'none', 'null', ''],
];

export function edgesOf({ name, values }: TypeFacts): readonly string[] {
  if (values === 'an absolute path') return ['', 'x', './x', '//', '/a\nb', '/ '];
  return (
    edges[name] ??
    (name.startsWith('sshcmn:') ? algorithmEdges : oddValues.filter((odd) => typeof odd === 'string'))
  );
}

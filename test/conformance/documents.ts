import { members } from '@callhome/shared/config/configuration.js';
import { namespaceOf, splitName } from '@callhome/shared/config/yang/modules.js';
import {
  type Fields,
  isFields,
  type Leafref,
  type Node,
  nodeOf,
  type Shape,
} from '@callhome/shared/config/yang/node.js';
import type { TypeFacts } from '@callhome/shared/config/yang/types.js';
import { visit } from '@callhome/shared/config/yang/visit.js';
import fc from 'fast-check';

/** Draws a value from an arbitrary. */
type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

/** Data that may be anything. */
type Json = Record<string, unknown>;

/** Values of types that are told by their names. */
const samples: Readonly<Record<string, readonly string[]>> = {
  string: ['a', 'b', 'ä ö', '', "it's", 'x'.repeat(40), ' lead', '<&>"', '😀'],
  binary: ['', 'AAAA', 'AA==', 'AAA=', `${'QUJD'.repeat(16)}\nQUJD`],
  'inet:host': ['nms.example.net', '192.0.2.1', '2001:db8::1', 'fe80::1%eth0', 'a', '300.1.2.3', 'x_y.z.'],
  'inet:ip-address': ['192.0.2.1', '::', '2001:DB8:0::1', 'fe80::1%lo', '198.51.100.7%1'],
  'inet:ip-address-no-zone': ['127.0.0.1', '::1', '2001:db8:0:0::2'],
  'yang:date-and-time': ['2026-01-31T02:30:00+01:00', '2020-02-29T00:00:00Z', '0000-12-01T23:59:00-14:00'],
  'x509c2n:tls-fingerprint': ['04:ab', '02', '04:00:ff:A0'],
  'ianach:crypt-hash': [
    '$0$secret',
    `$5$salt$${'a'.repeat(43)}`,
    `$6$rounds=5000$salt$${'.'.repeat(86)}`,
    `$1$s$${'/'.repeat(22)}`,
  ],
  'sshcmn:ssh-public-key-algorithm': ['ssh-ed25519', 'rsa-sha2-512', 'x@example.net', '@'],
  'sshcmn:ssh-key-exchange-algorithm': ['curve25519-sha256', 'ecdh-sha2-nistp256', 'x@y'],
  'sshcmn:ssh-encryption-algorithm': ['aes256-ctr', 'AEAD_AES_128_GCM', 'aes128-gcm@openssh.com'],
  'sshcmn:ssh-mac-algorithm': ['hmac-sha2-256', 'none', 'hmac-sha2-256-etm@openssh.com'],
};

/** Names of entries: few, so that they meet. */
const names = ['one', 'two', 'three'];

function leafValue({ name, names: all, range, encoding, values }: TypeFacts, draw: Draw): unknown {
  if (encoding === 'empty') return [null];
  if (range) return draw(fc.oneof(fc.integer({ min: range[0], max: range[1] }), fc.constantFrom(...range)));
  if (values === 'an absolute path') return draw(fc.constantFrom('/bin/x', '/'));
  const known = all ?? samples[name];
  if (!known) throw new Error(`no values for the type ${name}`);
  return draw(fc.constantFrom(...known));
}

/** Paths of members, without positions. */
export type SchemaPath = readonly string[];

function saysSomething(node: Node): boolean {
  return !('shape' in node) || node.choice !== undefined || Object.keys(node.shape).length === 0;
}

/** Every leaf, leaf-list, and case of a choice; or every other selection of the schema's nodes. */
export function schemaPaths(
  wanted: (node: Node) => boolean = saysSomething,
  shape: Shape = members,
  path: SchemaPath = [],
): SchemaPath[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const node = nodeOf(schema);
    const here = [...path, name];
    if (node.kind === 'absent') return [];
    return [
      ...(wanted(node) ? [here] : []),
      ...('shape' in node ? schemaPaths(wanted, node.shape, here) : []),
    ];
  });
}

function starts(path: SchemaPath, here: SchemaPath): boolean {
  return here.every((name, index) => path[index] === name);
}

/** How often what may be left out is there. */
const often = 0.25;

function fieldsOf(shape: Shape, here: SchemaPath, target: SchemaPath, draw: Draw): Json {
  const data: Json = {};
  const chosen = new Set<readonly string[]>();
  const entries = Object.entries(shape).map(([name, schema]) => ({
    name,
    node: nodeOf(schema),
    path: [...here, name],
  }));
  for (const { name, node, path } of entries) {
    if (node.kind === 'absent') continue;
    const wanted = starts(target, path);
    const { choice } = node;
    if (choice) {
      if (chosen.has(choice.cases)) continue;
      const other = entries.some((entry) => choice.cases.includes(entry.name) && starts(target, entry.path));
      const last = choice.mandatory && choice.cases.at(-1) === name;
      if (!wanted && (other || !(last || draw(fc.boolean())))) continue;
      chosen.add(choice.cases);
    }
    const must =
      wanted ||
      choice !== undefined ||
      (node.kind === 'leaf' && node.mandatory) ||
      (node.kind === 'list' && node.min > 0);
    const implied = node.kind === 'container' && !node.presence;
    const luck = draw(fc.double({ min: 0, max: 1, noNaN: true })) < often;
    if (!must && !implied && !luck) continue;
    data[name] = contentOf(node, path, target, draw);
  }
  return data;
}

function contentOf(node: Node, path: SchemaPath, target: SchemaPath, draw: Draw): unknown {
  switch (node.kind) {
    case 'absent':
      return undefined;
    case 'leaf':
      return path.at(-1) === 'name' && node.mandatory
        ? draw(fc.constantFrom(...names))
        : leafValue(node.type, draw);
    case 'leaf-list':
      return [
        ...new Set(
          Array.from({ length: draw(fc.integer({ min: 1, max: 3 })) }, () => leafValue(node.type, draw)),
        ),
      ];
    case 'container':
      return fieldsOf(node.shape, path, target, draw);
    case 'list': {
      const entries = Array.from({ length: draw(fc.integer({ min: 1, max: 2 })) }, () =>
        fieldsOf(node.shape, path, target, draw),
      );
      const seen = new Set();
      return entries.filter((entry) => !seen.has(entry[node.key]) && seen.add(entry[node.key]));
    }
  }
}

const module = 'ietf-crypto-types';

/** Makes data of the model's shape obey the rules that span several leaves. */
function settle(document: Json, draw: Draw): void {
  const refer = (leafref: Leafref, parent: Json, name: string): void => {
    const named = (list: unknown, key: unknown): Json | undefined =>
      Array.isArray(list) ? list.find((entry) => isFields(entry) && entry['name'] === key) : undefined;
    const found = leafref.list(document, parent, named);
    const entries = (Array.isArray(found) ? found.filter(isFields) : []).filter(
      (entry) => leafref.must?.holds(entry) ?? true,
    );
    if (entries.length > 0) parent[name] = draw(fc.constantFrom(...entries))['name'];
  };
  visit(members, document, ({ node, value, parent, steps }) => {
    const here = steps();
    const name = String(here.at(-1));
    if (node.kind === 'leaf' && node.facts.leafref && typeof value === 'string')
      refer(node.facts.leafref, parent as Json, name);
    if (!('shape' in node) || !isFields(value)) return true;
    const fields = value as Json;
    if ('cleartext-private-key' in fields)
      fields['private-key-format'] ??= `${module}:one-asymmetric-key-format`;
    if ('cleartext-symmetric-key' in fields) fields['key-format'] ??= `${module}:octet-string-key-format`;
    const path = here.join('/');
    if ('public-key-format' in fields && path.includes('/inline-definition')) {
      const format = path.includes('/tls/') ? 'subject-public-key-info-format' : 'ssh-public-key-format';
      fields['public-key-format'] = `${module}:${format}`;
    }
    if ('map-type' in fields) {
      if (fields['map-type'] === 'ietf-x509-cert-to-name:specified') fields['name'] ??= 'somebody';
      else delete fields['name'];
    }
    if (name === 'central-keystore-reference') {
      fields['asymmetric-key'] ??= 'one';
      fields['certificate'] ??= 'one';
    }
    if (name === 'client-authentication' && path.includes('/tls/') && !('ca-certs' in fields))
      fields['ee-certs'] ??= { 'inline-definition': { certificate: [{ name: 'one', 'cert-data': '' }] } };
    if (name === 'server-authentication') {
      if (path.includes('/ssh/')) fields['ssh-host-keys'] ??= { 'central-truststore-reference': 'key 0' };
      else if (!('ca-certs' in fields || 'ee-certs' in fields)) fields['tls12-psks'] ??= [null];
    }
    if (name === 'tls-client-parameters')
      fields['client-identity'] ??= { 'tls12-psk': { 'central-keystore-reference': 'one' } };
    if (name === 'public-keys' || name === 'ssh-host-keys') {
      const inline = fields['inline-definition'];
      if (isFields(inline) && !Array.isArray(inline['public-key']))
        (inline as Json)['public-key'] = [
          { name: 'one', 'public-key-format': `${module}:ssh-public-key-format`, 'public-key': 'AAAA' },
        ];
    }
    return true;
  });
}

/** Adds entries to a list of a store, where it has none of their names. */
function addEntries(
  document: Json,
  [store, group, list]: readonly [string, string, string],
  entries: Json[],
): void {
  const deepen = (holder: Json, name: string): Json => {
    holder[name] ??= {};
    return holder[name] as Json;
  };
  const holder = deepen(deepen(document, store), group);
  const former = (holder[list] ?? []) as Json[];
  const others = former.filter(({ name }) => !entries.some((entry) => entry['name'] === name));
  holder[list] = [...others, ...entries];
}

/** What others refer to, in both formats. */
function addStores(document: Json): void {
  const two = ['ssh-public-key-format', 'subject-public-key-info-format'].map((format, index) => ({
    name: `key ${index}`,
    'public-key-format': `${module}:${format}`,
  }));
  addEntries(
    document,
    ['ietf-keystore:keystore', 'asymmetric-keys', 'asymmetric-key'],
    two.map((key) => ({
      ...key,
      'private-key-format': `${module}:rsa-private-key-format`,
      'cleartext-private-key': 'AAAA',
      certificates: { certificate: [{ name: 'one', 'cert-data': 'AAAA' }] },
    })),
  );
  addEntries(
    document,
    ['ietf-keystore:keystore', 'symmetric-keys', 'symmetric-key'],
    [{ name: 'one', 'key-format': `${module}:octet-string-key-format`, 'cleartext-symmetric-key': 'AA==' }],
  );
  addEntries(
    document,
    ['ietf-truststore:truststore', 'certificate-bags', 'certificate-bag'],
    [{ name: 'bag' }],
  );
  addEntries(
    document,
    ['ietf-truststore:truststore', 'public-key-bags', 'public-key-bag'],
    two.map((key) => ({ name: key.name, 'public-key': [{ ...key, 'public-key': 'AAAA' }] })),
  );
}

/** A document that is meant to be valid and has the target in it. */
function meantToBeValid(target: SchemaPath, draw: Draw): Json {
  const document: Json = {};
  for (const [name, schema] of Object.entries(members)) {
    const wanted = starts(target, [name]);
    if (!wanted && draw(fc.boolean())) continue;
    document[name] = contentOf(nodeOf(schema), [name], target, draw);
  }
  addStores(document);
  settle(document, draw);
  // once more: what the first pass added refers to something too
  settle(document, draw);
  return document;
}

interface Spot {
  readonly holder: Json | unknown[];
  readonly at: string | number;
  readonly isMember: boolean;
  readonly path: SchemaPath;
}

function spotsOf(value: unknown, path: SchemaPath = [], spots: Spot[] = []): Spot[] {
  if (Array.isArray(value)) {
    for (const [at, entry] of value.entries()) {
      spots.push({ holder: value, at, isMember: false, path });
      spotsOf(entry, path, spots);
    }
  } else if (isFields(value)) {
    for (const [at, entry] of Object.entries(value)) {
      const here = [...path, at];
      spots.push({ holder: value as Json, at, isMember: true, path: here });
      spotsOf(entry, here, spots);
    }
  }
  return spots;
}

function valueAt({ holder, at }: Spot): unknown {
  return Reflect.get(holder, at);
}

function nodeAt(path: SchemaPath): Node | undefined {
  let shape: Shape = members;
  let node: Node | undefined;
  for (const name of path) {
    const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
    node = schema && nodeOf(schema);
    shape = node && 'shape' in node ? node.shape : {};
  }
  return node;
}

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
function oddValue(draw: Draw): unknown {
  return structuredClone(draw(fc.constantFrom(...oddValues)));
}

const oddMembers = [
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

const modules = ['ietf-netconf-server', 'ietf-keystore', 'callhome-agent', 'ietf-ssh-server', 'bogus'];

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

function identitiesBeside(known: readonly string[]): string[] {
  const { module = '' } = splitName(known[0] ?? '');
  return (identities[module] ?? []).map((name) => `${module}:${name}`);
}

/** For names of algorithms. */
const algorithmEdges = [
  ...[63, 64].map((length) => `${'x'.repeat(length)}@`),
  ...[31, 32, 63, 64].map((length) => `${'😀'.repeat(length)}@`),
  ...['x@\n', '\n@', 'x', 'aes128-CTR', 'ssh-ed25519 ', 'none', 'null', ''],
];

function edgesOf({ name, values }: TypeFacts): readonly string[] {
  if (values === 'an absolute path') return ['', 'x', './x', '//', '/a\nb', '/ '];
  return (
    edges[name] ??
    (name.startsWith('sshcmn:') ? algorithmEdges : oddValues.filter((odd) => typeof odd === 'string'))
  );
}

/** A text with one character more, less or other. */
function edited(text: string, draw: Draw): string {
  const characters = [...text];
  const position = draw(fc.nat({ max: characters.length }));
  const fresh = [...draw(fc.constantFrom('', '', ...'a0Gz.:-_%@/+=$ \n\té٣'))];
  characters.splice(position, draw(fc.constantFrom(0, 1, 1)), ...fresh);
  return characters.join('');
}

/** What one change of a document starts from. */
interface Change {
  readonly draw: Draw;
  /** Where it may be made: near the target, or anywhere. */
  readonly spots: readonly Spot[];
}

/** One of the spots that a change can be made at. */
function pick({ draw, spots }: Change, fits: (spot: Spot) => boolean = () => true): Spot | undefined {
  const fitting = spots.filter(fits);
  return fitting.length > 0 ? draw(fc.constantFrom(...fitting)) : undefined;
}

function isLeaf(spot: Spot): boolean {
  return typeof valueAt(spot) !== 'object';
}

const mutations: Readonly<Record<string, (change: Change) => void>> = {
  dropped(change) {
    const spot = pick(change);
    if (!spot) return;
    if (Array.isArray(spot.holder)) spot.holder.splice(Number(spot.at), 1);
    else delete spot.holder[spot.at];
  },
  added(change) {
    const spot = pick(change, (spot) => isFields(valueAt(spot)));
    const { draw } = change;
    const name = draw(fc.constantFrom(...oddMembers));
    if (spot) Reflect.set(valueAt(spot) as Json, name, oddValue(draw));
  },
  /** What the schema has there, and was not chosen or left out. */
  'added sibling'(change) {
    const { draw } = change;
    const spot = pick(change, ({ isMember }) => isMember);
    const parent = spot && nodeAt(spot.path.slice(0, -1));
    if (!spot || !parent || !('shape' in parent)) return;
    const name = draw(fc.constantFrom(...Object.keys(parent.shape)));
    const path = [...spot.path.slice(0, -1), name];
    const node = nodeAt(path);
    if (node && node.kind !== 'absent') Reflect.set(spot.holder, name, contentOf(node, path, [], draw));
  },
  changed(change) {
    const spot = pick(change);
    if (spot) Reflect.set(spot.holder, spot.at, oddValue(change.draw));
  },
  'changed leaf'(change) {
    const spot = pick(change, isLeaf);
    if (spot) Reflect.set(spot.holder, spot.at, oddValue(change.draw));
  },
  'at the edge'(change) {
    const { draw } = change;
    const spot = pick(change, (spot) => isLeaf(spot) && 'type' in (nodeAt(spot.path) ?? {}));
    const node = spot && nodeAt(spot.path);
    if (!node || !('type' in node)) return;
    const { range } = node.type;
    const values = range ? [range[0] - 1, range[1] + 1, String(range[0])] : edgesOf(node.type);
    Reflect.set(spot.holder, spot.at, draw(fc.constantFrom(...values)));
  },
  edited(change) {
    const spot = pick(change, (spot) => typeof valueAt(spot) === 'string');
    if (spot) Reflect.set(spot.holder, spot.at, edited(String(valueAt(spot)), change.draw));
  },
  duplicated(change) {
    const spot = pick(change, ({ isMember }) => !isMember);
    if (spot && Array.isArray(spot.holder)) spot.holder.push(structuredClone(valueAt(spot)));
  },
  dangling(change) {
    const { draw } = change;
    const spot = pick(change, ({ at }) => /-reference$|^asymmetric-key$|^certificate$/.test(String(at)));
    if (spot)
      Reflect.set(spot.holder, spot.at, draw(fc.constantFrom('nowhere', 'one', 'two', 'key 0', 'key 1', '')));
  },
  'another case'(change) {
    const { draw } = change;
    const spot = pick(change, ({ path, isMember }) => isMember && nodeAt(path)?.choice !== undefined);
    const cases = spot && nodeAt(spot.path)?.choice?.cases;
    const odd = draw(fc.constantFrom({}, 'one', [null], { 'public-key': [] }));
    if (cases) Reflect.set(spot.holder, draw(fc.constantFrom(...cases)), odd);
  },
  'another module'(change) {
    const { draw } = change;
    const spot = pick(change, ({ isMember }) => isMember);
    if (!spot) return;
    const { name } = splitName(String(spot.at));
    const value = valueAt(spot);
    Reflect.deleteProperty(spot.holder, spot.at);
    Reflect.set(spot.holder, `${draw(fc.constantFrom(...modules))}:${name}`, value);
  },
};

function mutate(document: Json, target: SchemaPath, draw: Draw): void {
  const name = draw(fc.constantFrom(...Object.keys(mutations)));
  const all = spotsOf(document);
  // the target, what is beside it and in that, and what all of that is in
  const parent = target.slice(0, -1);
  const close = all.filter(({ path }) => starts(path, parent));
  const spots = close.length > 0 && draw(fc.boolean()) ? close : all;
  mutations[name]?.({ draw, spots });
}

export interface Specimen {
  readonly document: Fields;
  /** Whether nothing was done to it that was meant to make it invalid. */
  readonly unchanged: boolean;
}

/** Documents over the whole schema: some meant to be valid, the others changed. @param target what each has in it, at first */
export function specimens(target: SchemaPath): fc.Arbitrary<Specimen> {
  return fc.gen().map((generate) => {
    const draw: Draw = (arbitrary) => generate(() => arbitrary);
    const document = meantToBeValid(target, draw);
    const changes = draw(fc.constantFrom(0, 0, 0, 1, 1, 2));
    for (let done = 0; done < changes; done++) mutate(document, target, draw);
    return { document, unchanged: changes === 0 };
  });
}

/** A change that every long run makes to a document that is valid but for it. */
export interface Trial {
  /** What the document has in it. */
  readonly path: SchemaPath;
  /** The name of what is changed: the last of the path, or one beside it. */
  readonly member: string;
  /** Its new value; undefined where it is taken out. */
  readonly value: unknown;
}

/** How a number may be written in XML, and may not. */
const numerals = ['5', '', ' ', '+5', '-0', '-5', '05', ' 5\n', '5 5', '5.0', '0x5', '1e1', '٣'];

/** Lists of names as long as this are not tried one by one. */
const many = 12;

/**
 * Every node that can be left out is left out, every case has another one beside it, and every leaf is at the edges of
 * its range and has each of its names; the edges of all other types are tried once.
 */
export function trials(): Trial[] {
  const types = new Set<string>();
  return schemaPaths(() => true).flatMap((path) => {
    const node = nodeAt(path);
    const member = path.at(-1) ?? '';
    const beside = (node?.choice?.cases ?? []).filter((other) => other !== member);
    const others = beside.map((other) => ({ path, member: other, value: {} }));
    const values: unknown[] = [undefined];
    if (node && 'type' in node) {
      const { name, range, names: all = [] } = node.type;
      const type = `${name} ${node.type.values}`;
      if (range) values.push(range[0] - 1, range[1] + 1, ...(types.has(type) ? [] : numerals));
      else if (node.type.encoding === 'identityref') values.push(...identitiesBeside(all));
      else if (node.type.encoding === 'empty') values.push(null, [], [0], [null, null], '');
      else if (all.length < many) values.push(...all);
      if (node.facts.leafref) values.push('nowhere', 'one', 'key 0', 'key 1');
      else if (node.type.encoding === 'text' && !types.has(type)) values.push(...edgesOf(node.type));
      types.add(type);
    }
    return [...others, ...values.map((value) => ({ path, member, value }))];
  });
}

/** Documents with a trial in them. */
export function tried({ path, member, value }: Trial): fc.Arbitrary<Specimen> {
  return fc.gen().map((generate) => {
    const document = meantToBeValid(path, (arbitrary) => generate(() => arbitrary));
    const spot = spotsOf(document).find((spot) => spot.isMember && spot.path.join() === path.join());
    if (spot && value === undefined) Reflect.deleteProperty(spot.holder, member);
    else if (spot) Reflect.set(spot.holder, member, nodeAt(path)?.kind === 'leaf-list' ? [value] : value);
    return { document, unchanged: false };
  });
}

/** The schema's leaves and cases that are in a document. */
export function pathsIn(document: Fields): string[] {
  const paths: string[] = [];
  visit(members, document, ({ value, parent, steps }) => {
    const path = steps().filter((step) => typeof step === 'string');
    if (Object.values(parent).includes(value) || typeof steps().at(-1) === 'number')
      paths.push(path.join('/'));
    return true;
  });
  return paths;
}

function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function elementXml(qualified: string, value: unknown): string {
  const { module: owner, name } = splitName(qualified);
  const start = `<${name}${owner === undefined ? '' : ` xmlns="${namespaceOf(owner)}"`}`;
  if (isFields(value)) return `${start}>${documentXml(value)}</${name}>`;
  const text = value === null ? '' : String(value);
  const prefix = /^((?:ietf|iana|callhome)-[a-z0-9-]+):[a-z]/.exec(text)?.[1];
  return `${start}${prefix === undefined ? '' : ` xmlns:${prefix}="${namespaceOf(prefix)}"`}>${escapeText(text)}</${name}>`;
}

/** Any data as XML, whatever the schema says: written apart from what is under test. */
export function documentXml(document: Fields): string {
  return Object.entries(document)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((entry) => elementXml(name, entry)),
    )
    .join('');
}

/** The documents that come of leaving one part out, the large parts first. */
export function* smaller(document: Fields): Generator<Fields> {
  const size = (spot: Spot) => JSON.stringify(Reflect.get(spot.holder, spot.at) ?? null).length;
  const count = spotsOf(document).length;
  const order = spotsOf(document)
    .map((spot, index) => ({ index, size: size(spot) }))
    .sort((one, other) => other.size - one.size);
  for (const { index } of order) {
    const copy: Json = structuredClone({ ...document });
    const spots = spotsOf(copy);
    if (spots.length !== count) throw new Error('a copy differs');
    const spot = spots[index];
    if (!spot) continue;
    if (Array.isArray(spot.holder)) spot.holder.splice(Number(spot.at), 1);
    else delete spot.holder[spot.at];
    yield copy;
  }
}

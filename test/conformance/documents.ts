import { members } from '@callhome/shared/config/configuration.js';
import { isFields, type Leafref, type Node, nodeOf, type Shape } from '@callhome/shared/config/yang/node.js';
import type { TypeFacts } from '@callhome/shared/config/yang/types.js';
import { visit } from '@callhome/shared/config/yang/visit.js';
import fc from 'fast-check';

/** Draws a value from an arbitrary. */
export type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

/** Data that may be anything. */
export type Json = Record<string, unknown>;

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

export function starts(path: SchemaPath, here: SchemaPath): boolean {
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

export function contentOf(node: Node, path: SchemaPath, target: SchemaPath, draw: Draw): unknown {
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
export function meantToBeValid(target: SchemaPath, draw: Draw): Json {
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

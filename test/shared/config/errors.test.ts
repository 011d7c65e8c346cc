import { members } from '@callhome/shared/config/configuration.js';
import { readDocument } from '@callhome/shared/config/document.js';
import { nodeOf } from '@callhome/shared/config/yang/node.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentXml } from '../../conformance/document-xml.js';
import { schemaPaths } from '../../conformance/documents.js';
import { tried } from '../../conformance/specimens.js';

/** What is said of a text: nothing where it is valid. */
function said(text: string): string[] {
  try {
    readDocument(text, 'f');
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: 'CALLHOME_CONFIG_INVALID' });
    return error instanceof Error ? error.message.split('\n') : [];
  }
}

const application = "/ietf-netconf-server:netconf-server/call-home/netconf-client[name='a']";
const bind = '/ietf-netconf-server:netconf-server/listen/endpoints/endpoint';

function calling(members: object): object {
  const ssh = {
    'tcp-client-parameters': { 'remote-address': 'nms.example' },
    'ssh-server-parameters': {
      'server-identity': {
        'host-key': [{ name: 'h', 'public-key': { 'central-keystore-reference': 'k' } }],
      },
    },
  };
  const whole = {
    name: 'a',
    endpoints: { endpoint: [{ name: 'e', ssh }] },
    'connection-type': { persistent: {} },
    ...members,
  };
  return {
    'ietf-keystore:keystore': {
      'asymmetric-keys': {
        'asymmetric-key': [
          {
            name: 'k',
            'private-key-format': 'ietf-crypto-types:one-asymmetric-key-format',
            'cleartext-private-key': '',
          },
        ],
      },
    },
    'ietf-netconf-server:netconf-server': { 'call-home': { 'netconf-client': [whole] } },
  };
}
const agent = (members: object) => ({ 'callhome-agent:agent': members });
const key = (members: object) => ({
  'ietf-keystore:keystore': { 'asymmetric-keys': { 'asymmetric-key': [members] } },
});
const keyPath = "/ietf-keystore:keystore/asymmetric-keys/asymmetric-key[name='k']";
describe('a document with', () => {
  test.each<readonly [string, object, readonly string[]]>([
    ['nothing wrong', calling({}), []],
    [
      'a number out of its range',
      agent({ 'backoff-cap': 3601 }),
      ['/callhome-agent:agent/backoff-cap: must be a whole number from 1 to 3600, not 3601'],
    ],
    [
      'a text that does not fit',
      agent({ backend: { command: { program: 'x y' } } }),
      ['/callhome-agent:agent/backend/command/program: must be an absolute path, not "x y"'],
    ],
    [
      'a long text that does not fit',
      agent({ backend: { command: { program: 'x'.repeat(70) } } }),
      [`/callhome-agent:agent/backend/command/program: must be an absolute path, not "${'x'.repeat(59)}…`],
    ],
    [
      'a required setting missing',
      agent({ backend: { command: {} } }),
      ['/callhome-agent:agent/backend/command/program: is missing'],
    ],
    [
      'the key of an entry missing',
      agent({ backend: { command: { program: '/x', argument: [{ value: 'x' }] } } }),
      ['/callhome-agent:agent/backend/command/argument[1]/position: is missing'],
    ],
    [
      'an entry twice',
      agent({
        backend: {
          command: {
            program: '/x',
            argument: [
              { position: 1, value: 'x' },
              { position: 1, value: 'y' },
            ],
          },
        },
      }),
      ["/callhome-agent:agent/backend/command/argument[position='1']: is there twice"],
    ],
    [
      'no case of a choice',
      calling({ 'connection-type': {} }),
      [`${application}/connection-type: must have one of "persistent", "periodic"`],
    ],
    [
      'two cases of a choice',
      calling({ 'connection-type': { persistent: {}, periodic: {} } }),
      [`${application}/connection-type: must have one of "persistent", "periodic", not 2`],
    ],
    [
      'a list that is too short',
      { 'ietf-netconf-server:netconf-server': { listen: { 'idle-timeout': 0 } } },
      [`${bind}: must have an entry at least`],
    ],
    [
      'a reference that leads nowhere',
      {
        ...calling({}),
        ...key({
          name: 'x',
          'private-key-format': 'ietf-crypto-types:rsa-private-key-format',
          'cleartext-private-key': '',
        }),
      },
      [
        `${application}/endpoints/endpoint[name='e']/ssh/ssh-server-parameters/server-identity/host-key[name='h']/public-key/central-keystore-reference: must name an asymmetric-key of the keystore, not "k"`,
      ],
    ],
    [
      'a must that does not hold',
      key({ name: 'k', 'cleartext-private-key': '' }),
      [`${keyPath}: "cleartext-private-key" needs "private-key-format" beside it`],
    ],
    [
      'an identity that is none',
      key({ name: 'k', 'private-key-format': 'ietf-crypto-types:x', 'cleartext-private-key': '' }),
      [
        `${keyPath}/private-key-format: must be one of: ietf-crypto-types:rsa-private-key-format, ietf-crypto-types:ec-private-key-format, ietf-crypto-types:one-asymmetric-key-format, not "ietf-crypto-types:x"`,
      ],
    ],
    [
      'a setting of a feature that is not supported',
      key({
        name: 'k',
        'private-key-format': 'ietf-crypto-types:rsa-private-key-format',
        'hidden-private-key': [null],
        'cleartext-private-key': '',
      }),
      [
        `${keyPath}/hidden-private-key: needs the feature ietf-crypto-types:hidden-private-keys, which is not supported`,
      ],
    ],
    [
      'several things wrong',
      agent({ 'backoff-cap': 0, 'max-sessions': 0 }),
      [
        '/callhome-agent:agent/backoff-cap: must be a whole number from 1 to 3600, not 0',
        '/callhome-agent:agent/max-sessions: must be a whole number from 1 to 1000, not 0',
      ],
    ],
  ])('%s is told of it, in JSON and XML', (_what, document, errors) => {
    const lines = errors.map((error) => `f: ${error}`);
    expect(said(JSON.stringify(document))).toEqual(lines);
    expect(said(documentXml({ ...document }))).toEqual(lines);
  });

  const xml = (element: string) => `<agent xmlns="urn:callhome:yang:callhome-agent">${element}</agent>`;

  test.each([
    [
      'a number as text',
      '{"callhome-agent:agent":{"backoff-cap":"5"}}',
      '/callhome-agent:agent/backoff-cap: must be a whole number from 1 to 3600, not "5"',
    ],
    ['a value for an object', '{"callhome-agent:agent":5}', '/callhome-agent:agent: must be an object'],
    [
      'an object for an array',
      '{"callhome-agent:agent":{"backend":{"command":{"program":"/x","argument":{}}}}}',
      '/callhome-agent:agent/backend/command/argument: must be an array',
    ],
    ['an unknown member', '{"callhome-agent:agent":{"x":1}}', '/callhome-agent:agent/x: is not known here'],
    ['a member without its module', '{"agent":{}}', '/agent: must be written with its module, MODULE:NAME'],
    [
      'a member with and without its module',
      '{"callhome-agent:agent":{"backoff-cap":5,"callhome-agent:backoff-cap":5}}',
      '/callhome-agent:agent/backoff-cap: is there twice, with and without its module',
    ],
    [
      'metadata',
      '{"callhome-agent:agent":{"@":{}}}',
      '/callhome-agent:agent/@: is metadata, which has no place in a configuration',
    ],
    ['a lone bracket', '{"callhome-agent:agent":[}', 'line 1, column 26: not JSON: value expected'],
    [
      'an element twice',
      xml('<backoff-cap>5</backoff-cap><backoff-cap>5</backoff-cap>'),
      '/callhome-agent:agent/backoff-cap: is there twice',
    ],
    ['an unknown element', xml('<x/>'), '/callhome-agent:agent/x: is not known here'],
    [
      'an element of an unknown namespace',
      xml('<x xmlns="urn:vendor:x"/>'),
      '/callhome-agent:agent/x: is in the namespace "urn:vendor:x", of which nothing is known here',
    ],
    ['an element without a namespace', '<agent/>', '/agent: is in no namespace: there is no xmlns'],
    [
      'an identity of an unknown namespace',
      '<keystore xmlns="urn:ietf:params:xml:ns:yang:ietf-keystore"><asymmetric-keys><asymmetric-key><name>k</name><private-key-format xmlns:v="urn:vendor">v:x</private-key-format><cleartext-private-key/></asymmetric-key></asymmetric-keys></keystore>',
      `${keyPath}/private-key-format: must be one of: ietf-crypto-types:rsa-private-key-format, ietf-crypto-types:ec-private-key-format, ietf-crypto-types:one-asymmetric-key-format, not "{urn:vendor}x"`,
    ],
    [
      'an attribute',
      xml('<backoff-cap x="y">5</backoff-cap>'),
      '/callhome-agent:agent/backoff-cap: has the attribute x: there are none',
    ],
    [
      'text between elements',
      xml('x<backoff-cap>5</backoff-cap>'),
      '/callhome-agent:agent: must not have text between its elements',
    ],
    [
      'text instead of elements',
      xml('x'),
      '/callhome-agent:agent: must not have text where elements belong, such as backend',
    ],
    [
      'elements in a leaf',
      xml('<backoff-cap>5<x/></backoff-cap>'),
      '/callhome-agent:agent/backoff-cap: must not have elements in it',
    ],
    [
      'no number',
      xml('<backoff-cap/>'),
      '/callhome-agent:agent/backoff-cap: must be a whole number from 1 to 3600, not ""',
    ],
    ['a tag that is not closed', '\n<agent>', 'not XML: line 2: unexpected close tag.'],
  ])('%s is told of it', (_what, text, error) => {
    expect(said(text)).toEqual([`f: ${error}`]);
  });
});

const secrets = schemaPaths().filter((path) => {
  let shape = members as Parameters<typeof schemaPaths>[1] & object;
  return path.some((name) => {
    const schema = shape[name];
    const node = schema && nodeOf(schema);
    if (node && 'shape' in node) shape = node.shape;
    return node && node.kind !== 'absent' && node.facts.secret;
  });
});

describe('a secret', () => {
  test('is a private key, a shared key, a certificate, a password or its hash', () => {
    expect([...new Set(secrets.map((path) => path.at(-1)))].toSorted()).toEqual([
      'cert-data',
      'cleartext-password',
      'cleartext-private-key',
      'cleartext-symmetric-key',
      'hashed-password',
      'secret',
    ]);
  });

  test.each(secrets.map((path) => [path.join('/'), path] as const))('is never shown: %s', (_place, path) => {
    for (const value of [
      'Hush! 271828',
      271828,
      ['Hush! 271828'],
      { 'ietf-x:y': 'Hush! 271828' },
      [271828],
    ]) {
      const trial = tried({ path, member: path.at(-1) ?? '', value });
      for (const { document } of fc.sample(trial, { numRuns: 3, seed: 1 })) {
        expect(JSON.stringify(document)).toContain('271828');
        for (const text of [JSON.stringify(document), documentXml(document)])
          expect(said(text).join('\n')).not.toMatch(/Hush|271828/);
      }
    }
  });

  test.each([
    '{"callhome-agent:agent": "Hush',
    '{"callhome-agent:agent": Hush}',
    '{"callhome-agent:agent": "Hush" "x"}',
    '{"callhome-agent:agent": "Hush\\u0000"}',
    '<agent><x>Hush</agent>',
    '<agent>a & Hush</agent>',
    '<agent>&Hush;</agent>',
    '<agent>Hush<</agent>',
    '<agent>Hush\u0001</agent>',
  ])('is not quoted from a text that cannot be read: %j', (text) => {
    expect(said(text)).toEqual([expect.not.stringContaining('Hush')]);
  });
});

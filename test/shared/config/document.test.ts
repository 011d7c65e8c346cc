import { members } from '@callhome/shared/config/configuration.js';
import { readDocument } from '@callhome/shared/config/document.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import { describe, expect, it } from 'vitest';

const keystore = 'urn:ietf:params:xml:ns:yang:ietf-keystore';

/** What is wrong with a document, a line each, without the file's name. */
function errors(text: string): string[] {
  try {
    readDocument(text, 'file');
    return [];
  } catch (error) {
    const { message, code } = error as Error & { code: string };
    expect(code).toBe('CALLHOME_CONFIG_INVALID');
    return message.split('\n').map((line) => line.replace(/^file: /, ''));
  }
}

/** A document with one key pair. */
function withKey(leaves: string): string {
  return `{"ietf-keystore:keystore": {"asymmetric-keys": {"asymmetric-key": [{"name": "k", ${leaves}}]}}}`;
}

function repeated(text: string, count: number): string {
  return Array.from({ length: count }, () => text).join();
}

describe('very many errors end in a hundred lines', () => {
  const keys = (entries: string) =>
    `{"ietf-keystore:keystore":{"asymmetric-keys":{"asymmetric-key":[${entries}]}}}`;
  const macs = (count: number) =>
    `{"ietf-netconf-client:netconf-client":{"listen":{"idle-timeout":0,"endpoints":{"endpoint":[{"name":"e","ssh":{"ssh-client-parameters":{"transport-params":{"mac":{"mac-alg":[${Array.from({ length: count }, (_, index) => `"x${index}"`)}]}}}}}]}}}}`;

  it.each([
    ['members that are not known', `{${Array.from({ length: 200_000 }, (_, index) => `"x${index}":1`)}}`],
    ['entries that are none', keys(repeated('1', 200_000))],
    ['entries without a key', keys(repeated('{}', 200_000))],
    ['values that are none of their type', macs(200_000)],
    [
      'elements without what they need',
      `<keystore xmlns="${keystore}"><asymmetric-keys>${'<asymmetric-key/>'.repeat(200_000)}</asymmetric-keys></keystore>`,
    ],
  ])('%s', (_what, text) => {
    const lines = errors(text);
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toMatch(/^and [0-9]+ more$/);
  });

  it('and the same line is told once', () => {
    const twice = `<keystore xmlns="${keystore}">${'<asymmetric-keys/>'.repeat(3)}</keystore>`;
    expect(errors(twice)).toEqual(['/ietf-keystore:keystore/asymmetric-keys: is there twice']);
  });
});

describe('more than any configuration has is refused', () => {
  it.each([
    ['values', `{"a": [${repeated('1', 300_000)}]}`, /more than 250000 values/],
    ['elements', '<a/>'.repeat(300_000), /more than 250000 elements/],
  ])('%s', (_what, text, why) => {
    expect(errors(text)).toEqual([expect.stringMatching(why)]);
  });
});

describe('base64 of any length is read', () => {
  const format = '"private-key-format": "ietf-crypto-types:one-asymmetric-key-format"';
  const key = (base64: string) => withKey(`${format}, "cleartext-private-key": ${JSON.stringify(base64)}`);
  const here = "/ietf-keystore:keystore/asymmetric-keys/asymmetric-key[name='k']/cleartext-private-key";

  it.each([
    ['in one line', 'AAAA'.repeat(3_000_000)],
    ['in many lines', `${'A'.repeat(64)}\n`.repeat(200_000)],
  ])('%s', (_what, base64) => {
    expect(errors(key(base64))).toEqual([]);
    expect(errors(key(`${base64}A`))).toEqual([`${here}: must be base64`]);
  });
});

describe('a secret is not shown', () => {
  it.each([
    ['where it stands in the place of what holds it', '"cleartext-private-key": {"hunter2": 1}'],
    ['as an entry', '"cleartext-private-key": ["hunter2"]'],
    ['as the container', '"certificates": "hunter2"'],
    ['as a certificate', '"certificates": {"certificate": [{"name": "c", "cert-data": "hunter2"}]}'],
    ['under another name', '"cleartext-key": "hunter2"'],
  ])('%s', (_what, leaves) => {
    const lines = errors(withKey(leaves));
    expect(lines).not.toEqual([]);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('to a NETCONF client, certificates among it', () => {
    const certificate = '"certificates": {"certificate": [{"name": "c", "cert-data": "c2VjcmV0"}]}';
    const format = '"private-key-format": "ietf-crypto-types:one-asymmetric-key-format"';
    const { data } = readDocument(
      withKey(`${format}, "cleartext-private-key": "c2VjcmV0", ${certificate}`),
      'file',
    );
    expect(writeXml(members, data)).toContain('c2VjcmV0');
    expect(writeXml(members, data, { forPeers: true })).not.toContain('c2VjcmV0');
  });
});

describe('XML', () => {
  it.each(['text', '&amp;', '<![CDATA[text]]>'])('with %s beside its elements is refused', (text) => {
    expect(errors(`<keystore xmlns="${keystore}"/>${text}`)).toEqual([
      'not XML: text outside of the elements',
    ]);
  });

  it.each(['urn:callhome:yang:ietf-keystore', 'urn:ietf:params:xml:ns:yang:callhome-agent'])(
    'in the namespace %s, which is no module, is refused',
    (namespace) => {
      const name = namespace.endsWith('agent') ? 'agent' : 'keystore';
      expect(errors(`<${name} xmlns="${namespace}"/>`)).toEqual([
        `/${name}: is in the namespace "${namespace}", of which nothing is known here`,
      ]);
    },
  );
});

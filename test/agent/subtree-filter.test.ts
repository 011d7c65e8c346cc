import { selectSubtrees } from '@callhome/agent/backend/subtree-filter.js';
import { members } from '@callhome/shared/config/configuration.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import { parseElement, parseElements, serializeElement } from '@callhome/shared/xml/element.js';
import { describe, expect, it } from 'vitest';

const configuration = {
  'ietf-keystore:keystore': {
    'asymmetric-keys': {
      'asymmetric-key': [
        { name: 'one', 'public-key': 'QUFB', 'cleartext-private-key': 'U0VDUkVU' },
        { name: 'two', 'public-key': 'QkJC' },
      ],
    },
  },
  'ietf-truststore:truststore': {
    'public-key-bags': { 'public-key-bag': [{ name: 'a<b', description: 'x & y' }] },
  },
};
const data = parseElements(writeXml(members, configuration, { forPeers: true }));

const keystore = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-keystore"';

function select(filter: string): string {
  return selectSubtrees(data, parseElement(`<filter>${filter}</filter>`))
    .map(serializeElement)
    .join('');
}

describe('the data of the embedded backend', () => {
  it('has no secrets, and text that stays text', () => {
    const xml = data.map(serializeElement).join('');
    expect(xml).not.toContain('U0VDUkVU');
    expect(xml).not.toContain('cleartext-private-key');
    expect(xml).toContain('<name>a&lt;b</name><description>x &amp; y</description>');
  });
});

describe('a subtree filter', () => {
  it('selects nothing when it is empty', () => {
    expect(select('')).toBe('');
  });

  it('selects all below a node that it names', () => {
    expect(select(`<keystore ${keystore}/>`)).toContain('<name>two</name><public-key>QkJC</public-key>');
    expect(select(`<keystore ${keystore}/>`)).not.toContain('truststore');
  });

  it('compares names by namespace, never by prefix', () => {
    expect(select('<k:keystore xmlns:k="urn:ietf:params:xml:ns:yang:ietf-keystore"/>')).toContain(
      '<name>one</name>',
    );
    expect(select('<keystore xmlns="urn:other"/>')).toBe('');
  });

  it('takes any namespace where it says none', () => {
    expect(select('<keystore/>')).toContain('<name>one</name>');
  });

  it('matches content, and then selects the siblings', () => {
    const xml = select(
      `<keystore ${keystore}><asymmetric-keys><asymmetric-key><name> two </name></asymmetric-key></asymmetric-keys></keystore>`,
    );
    expect(xml).toContain('<name>two</name><public-key>QkJC</public-key>');
    expect(xml).not.toContain('one');
  });

  it('selects what is named beside a content match, and nothing else', () => {
    const xml = select(
      `<keystore ${keystore}><asymmetric-keys><asymmetric-key><name>one</name><nothing/></asymmetric-key></asymmetric-keys></keystore>`,
    );
    expect(xml).toContain('<asymmetric-key><name>one</name></asymmetric-key>');
  });

  it('keeps the key of a list entry that it selects a part of', () => {
    const xml = select(
      `<keystore ${keystore}><asymmetric-keys><asymmetric-key><public-key/></asymmetric-key></asymmetric-keys></keystore>`,
    );
    expect(xml).toContain('<asymmetric-key><name>one</name><public-key>QUFB</public-key></asymmetric-key>');
  });

  it('selects nothing of an entry that has nothing of what is asked', () => {
    const below = '<asymmetric-keys><asymmetric-key><nothing/></asymmetric-key></asymmetric-keys>';
    expect(select(`<keystore ${keystore}>${below}</keystore>`)).toBe('');
  });

  it('joins alternatives', () => {
    const entry = (name: string, leaf: string) =>
      `<asymmetric-key><name>${name}</name><${leaf}/></asymmetric-key>`;
    const xml = select(
      `<keystore ${keystore}><asymmetric-keys>${entry('one', 'public-key')}${entry('two', 'name')}</asymmetric-keys></keystore>`,
    );
    expect(xml).toContain('<name>one</name><public-key>QUFB</public-key>');
    expect(xml).toContain('<asymmetric-key><name>two</name></asymmetric-key>');
  });

  it('requires the attributes that it gives', () => {
    expect(select(`<keystore ${keystore} operation="x"/>`)).toBe('');
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { loadDocument, readDocument } from '@callhome/shared/config/document.js';
import { keyPairLeaves } from '@callhome/shared/config/keys.js';
import { loadNmsConfig } from '@callhome/shared/config/nms-config.js';
import { hashPassword } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withReference } from '../../scripts/configuration-reference.mjs';
import { hasJudge, judge, type Paper } from '../conformance/judge.js';
import { requirePeers } from '../interop/peers/require-peers.js';
import { createFolder, removeFolder } from '../programs/folder.js';

const page = await readFile('docs/configuration.md', 'utf8');

function privateKey(): string {
  return keyPairLeaves(generateKeyPair())['cleartext-private-key'] ?? '';
}

/** What stands for a key or a hash. */
const placeholders: Readonly<Record<string, string>> = {
  'PRIVATE KEY OF THE DEVICE': privateKey(),
  'PRIVATE KEY OF THE COLLECTOR': privateKey(),
  'PUBLIC KEY OF THE COLLECTOR': generateKeyPair().publicKey.blob.toString('base64'),
  'HASH OF THE PASSWORD': hashPassword('a password'),
};

function filled(text: string): string {
  return Object.entries(placeholders).reduce((done, [from, to]) => done.replaceAll(from, to), text);
}

/** Each a whole file. */
const examples = [...page.matchAll(/<!-- example: (\w+) -->\n```(json|xml)\n(.*?)```/gs)].map(
  ([, program = '', encoding = '', text = '']) => ({
    program,
    encoding: encoding as Paper['encoding'],
    text: filled(text),
  }),
);

let folder = '';
beforeAll(async () => {
  folder = await createFolder('docs');
});
afterAll(() => removeFolder(folder));

/** What `check` prints. */
async function check(program: string, text: string, name: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  try {
    await (program === 'agent' ? loadAgentConfig(file) : loadNmsConfig(file));
    return 'valid';
  } catch (error) {
    return error instanceof Error ? error.message.replaceAll(`${folder}/`, '') : String(error);
  }
}

test('the tables are those of the schema: else `npm run docs` makes them anew', () => {
  expect(withReference(page)).toBe(page);
});

test.each(examples.map((example, index) => ({ ...example, number: index + 1 })))(
  'example $number, of the $program in $encoding, is valid',
  async ({ program, encoding, text }) => {
    expect(await check(program, text, `${program}.${encoding}`)).toBe('valid');
  },
);

test('the example in XML is the one in JSON', () => {
  const [json, xml] = examples.filter(({ program }) => program === 'collector');
  const read = (text = '') => JSON.parse(JSON.stringify(readDocument(text, 'document').data));
  expect(read(xml?.text)).toEqual(read(json?.text));
});

test('`check` prints what it is said to', async () => {
  const [, shown = ''] = /\$ callhome-agent check agent\.json\n(.*?)\n```/s.exec(page) ?? [];
  const wrong = (examples[0]?.text ?? '')
    .replace('"max-wait": 5', '"max-wait": 0')
    .replace('"central-keystore-reference": "host-key"', '"central-keystore-reference": "hostkey"');
  expect(await check('agent', wrong, 'agent.json')).toBe(shown);
});

requirePeers('yanglint')('libyang', () => {
  test.skipIf(!hasJudge)('takes the examples', async () => {
    for (const { verdict, reason } of await judge(examples, folder))
      expect({ verdict, reason }).toEqual({ verdict: 'valid', reason: '' });
  });
});

const user = (text: string) => `{"callhome-nms:nms":{"device-defaults":{"user":${text}}}}`;
const userXml = (element: string) =>
  `<nms xmlns="urn:callhome:yang:callhome-nms"><device-defaults>${element}</device-defaults></nms>`;

/** The table of the page, in its order. */
const differences = [
  { what: 'an escaped surrogate pair', encoding: 'json', text: user('"\\ud83d\\ude00"'), ours: 'valid' },
  { what: 'a byte order mark', encoding: 'json', text: `\ufeff${user('"a"')}`, ours: 'valid' },
  { what: 'a byte order mark', encoding: 'xml', text: `\ufeff${userXml('<user>a</user>')}`, ours: 'valid' },
  { what: 'text after the document', encoding: 'json', text: `${user('"a"')} x`, ours: 'invalid' },
  { what: 'metadata', encoding: 'json', text: user('"a","@user":{"yang:insert":"first"}'), ours: 'invalid' },
  { what: 'a comment in a leaf', encoding: 'xml', text: userXml('<user>a<!-- b -->c</user>'), ours: 'valid' },
] as const;

describe('where libyang decides otherwise', () => {
  test.each(differences)('$what, in $encoding: we take it for $ours', async ({ text, ours, encoding }) => {
    const file = path.join(folder, `difference.${encoding}`);
    await writeFile(file, text);
    // a file, because the mark is dropped where files are read
    const read = loadDocument(file).then(
      () => 'valid',
      () => 'invalid',
    );
    expect(await read).toBe(ours);
  });

  requirePeers('yanglint')('it', () => {
    test.skipIf(!hasJudge)('does so', async () => {
      const verdicts = (await judge(differences, folder)).map(({ verdict }) => verdict);
      expect(verdicts).toEqual(differences.map(({ ours }) => (ours === 'valid' ? 'invalid' : 'valid')));
    });
  });
});

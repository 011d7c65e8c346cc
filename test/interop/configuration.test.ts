import { createPublicKey } from 'node:crypto';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { readDocument } from '@callhome/shared/config/document.js';
import { newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { beforeAll, expect, test } from 'vitest';
import { hasJudge, judge, type Verdict } from '../conformance/judge.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { requirePeers } from './peers/require-peers.js';

const key = generateKeyPair();
const sshKey = key.publicKey.blob.toString('base64');
const keyInfo = createPublicKey(key.privateKey).export({ format: 'der', type: 'spki' }).toString('base64');

const agent = JSON.stringify(
  newAgentDocument({
    endpoints: [
      { address: 'nms1.example.net', port: 4334 },
      { address: '2001:db8::1', port: 14334 },
    ],
    hostKey: key,
    user: 'callhome',
    userKeys: [key.publicKey],
  }),
);
const collector = JSON.stringify(
  newNmsDocument({
    identity: key,
    binds: [
      { address: '198.51.100.1', port: 4334 },
      { address: '::', port: 4334 },
    ],
    apiPort: 8334,
  }),
);

type Case = readonly [what: string, verdict: Verdict, text: string];

/** The text with a change that changes it. */
function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`nothing to change: ${from}`);
  return result;
}

const address = (verdict: Verdict, text: string): Case => [
  `remote-address ${JSON.stringify(text)}`,
  verdict,
  changed(agent, '"nms1.example.net"', JSON.stringify(text)),
];
const port = (verdict: Verdict, literal: string): Case => [
  `remote-port ${literal}`,
  verdict,
  changed(agent, ':4334', `:${literal}`),
];
/** A description; JSON text. */
const description = (verdict: Verdict, text: string): Case => [
  `a description ${JSON.stringify(text)}`,
  verdict,
  changed(collector, '"description":"', `"description":"${text}`),
];
const binds = (verdict: Verdict, first: string, second: string): Case => [
  `local-bind ${first} and ${second}`,
  verdict,
  changed(collector, '"198.51.100.1"', `"${first}"`).replace('"::"', `"${second}"`),
];
const spare = (format: string, value: string) =>
  `"public-key-bag":[{"name":"spare","public-key":[{"name":"k","public-key-format":"${format}","public-key":"${value}"}]},`;
const sshFormat = `"ietf-crypto-types:ssh-public-key-format","public-key":"${sshKey}"`;
const infoFormat = `"ietf-crypto-types:subject-public-key-info-format","public-key":"${keyInfo}"`;

const cases: readonly Case[] = [
  ['an agent as init writes it', 'valid', agent],
  ['a collector as init writes it', 'valid', collector],

  ['a member twice', 'invalid', changed(agent, ':4334', ':4334,"remote-port":4334')],
  ['an unknown member', 'invalid', changed(agent, ':4334', ':4334,"colour":1')],
  ['a member named __proto__', 'invalid', changed(agent, ':4334', ':4334,"__proto__":{}')],
  ['a comment', 'invalid', `/* */${agent}`],
  port('valid', '0'),
  port('valid', '-0'),
  port('valid', '65535'),
  port('valid', '1e1'),
  port('valid', '10e-1'),
  port('valid', '1.5E+1'),
  port('valid', '0.1e2'),
  port('valid', '0.12e3'),
  port('invalid', '0.5e1'),
  port('invalid', '0.120e2'),
  port('invalid', '65536'),
  port('invalid', '-1'),
  port('invalid', '5.0'),
  port('invalid', '1e-1'),
  port('invalid', '15e-1'),
  port('invalid', '"5"'),
  port('invalid', 'true'),
  port('invalid', 'null'),

  description('valid', '\\t\\n\\r'),
  description('valid', '\\u007f\\u0085'),
  description('valid', '\u{1f600}\u{10fffd}'),
  ...['\\u0000', '\\u0007', '\\u001b', '\\ufdd0', '\\ufffe', '\\uffff', '\\ud800', '\\udc00'].map((text) =>
    description('invalid', text),
  ),
  // As they are and not escaped, libyang lets most noncharacters through; YANG does not (RFC 7950 §14).
  ...['\u{7}', '\t', '\u{fffe}'].map((text) => description('invalid', text)),
  ['a name with a character of no YANG string', 'invalid', changed(agent, '"callhome"', '"\\u0000"')],

  ...['.', 'localhost', 'nms.', '_a.com', 'a-b', 'a_b.com', 'x'.repeat(63)].map((text) =>
    address('valid', text),
  ),
  ...['', '_', '_.com', 'a_', 'a_.com', '-a', 'a-', 'a..b', '.a', 'x'.repeat(64), 'é.com', 'a\n', 'a b'].map(
    (text) => address('invalid', text),
  ),
  address('valid', `${`${'x'.repeat(61)}.`.repeat(4)}abcde`),
  address('invalid', `${`${'x'.repeat(61)}.`.repeat(4)}abcdef`),
  ...['192.0.2.1', '192.0.2.1%eth0', '::', '::ffff:192.0.2.1', '64:ff9b::192.0.2.1', '1:2:3:4:5:6:7::'].map(
    (text) => address('valid', text),
  ),
  ...['fe80::1%eth0', 'fe80::1%1', 'fe80::1%é', 'fe80::1%²'].map((text) => address('valid', text)),
  ...['fe80::1%', 'fe80::1%eth-0', 'fe80::1%eth.0', 'fe80::1%a_b', 'fe80::1% ', 'fe80::1%a%b', '%eth0'].map(
    (text) => address('invalid', text),
  ),
  ...[':::', '1::2::3', '12345::', '::192.0.2', '1:2:3:4:5:6:7', '::ffff:01.2.3.4', '[::1]'].map((text) =>
    address('invalid', text),
  ),

  binds('valid', '0.0.0.0', '::'),
  binds('valid', 'fe80::1%a', 'fe80::1%b'),
  binds('invalid', '::', '::'),
  binds('invalid', '::', '0::0'),
  binds('invalid', '2001:db8::1', '2001:DB8:0::1'),
  binds('invalid', '::ffff:192.0.2.1', '::ffff:c000:201'),
  binds('invalid', '192.0.2.1', 'localhost'),
  ['a name twice', 'invalid', changed(agent, '"nms-2"', '"nms-1"')],
  ['an empty name', 'valid', changed(agent, '"nms-2"', '""')],

  ...(
    [
      ['valid', 'ietf-crypto-types:subject-public-key-info-format', keyInfo],
      ['valid', 'ietf-crypto-types:ssh-public-key-format', sshKey],
      ['invalid', 'ssh-public-key-format', sshKey],
      ['invalid', 'ietf-crypto-types:public-key-format', sshKey],
      ['invalid', 'ietf-crypto-types:ssh-public-key-format', '!'],
    ] as const
  ).map(
    ([verdict, format, value]): Case => [
      `a key in the ${format} that nobody refers to, ${value.slice(0, 4)}`,
      verdict,
      changed(collector, '"public-key-bag":[', spare(format, value)),
    ],
  ),
  [
    'a SubjectPublicKeyInfo for a user',
    'invalid',
    agent.slice(0, agent.lastIndexOf(sshFormat)) +
      changed(agent.slice(agent.lastIndexOf(sshFormat)), sshFormat, infoFormat),
  ],
  ['a SubjectPublicKeyInfo with a host key', 'invalid', changed(agent, sshFormat, infoFormat)],
  [
    'a SubjectPublicKeyInfo with a key that nobody refers to',
    'valid',
    changed(agent, /"asymmetric-key":\[(\{.*?\})\]/, `"asymmetric-key":[$1,$1]`)
      .replace('"name":"host-key"', '"name":"spare"')
      .replace(sshFormat, infoFormat),
  ],
  ['no public half', 'valid', changed(agent, `"public-key-format":${sshFormat},`, '')],
  ['a reference to no bag', 'invalid', changed(agent, '-reference":"nms"', '-reference":"x"')],
];

requirePeers('yanglint')('libyang agrees about', () => {
  const verdicts: string[] = [];
  beforeAll(async () => {
    if (!hasJudge) return;
    const folder = await createFolder('yang');
    const papers = cases.map(([, , text]) => ({ encoding: 'json' as const, text }));
    verdicts.push(...(await judge(papers, folder)).map(({ verdict }) => verdict));
    await removeFolder(folder);
  }, 180_000);

  test.skipIf(!hasJudge).each(cases.map((one, index) => [...one, index] as const))(
    '%s: %s',
    (_what, verdict, text, index) => {
      let ours = 'valid';
      try {
        readDocument(text, 'document');
      } catch (error) {
        expect(error).toMatchObject({ code: 'CALLHOME_CONFIG_INVALID' });
        ours = 'invalid';
      }
      expect({ ours, libyang: verdicts[index] }).toEqual({ ours: verdict, libyang: verdict });
    },
  );
});

import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../programs/command.js';
import { createFolder, removeFolder } from '../programs/folder.js';

const page = await readFile('docs/from-netopeer2.md', 'utf8');
const hostKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

function example(name: string): string {
  const text = page.split(`<!-- example: ${name} -->\n\`\`\`xml\n`)[1]?.split('```')[0] ?? '';
  return text
    .replaceAll(
      'PRIVATE KEY OF THE DEVICE',
      hostKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    )
    .replaceAll('PUBLIC KEY OF THE COLLECTOR', generateKeyPair().publicKey.blob.toString('base64'));
}

let folder = '';
beforeAll(async () => {
  folder = await createFolder('netopeer2');
});
afterAll(() => removeFolder(folder));

/** What `check` prints, and on standard error. */
async function check(text: string): Promise<{ stdout: string; stderr: string }> {
  const file = path.join(folder, 'agent.xml');
  await writeFile(file, text, { mode: 0o600 });
  const { stdout, stderr } = await runCommand('agent', ['check', file]);
  return { stdout: stdout.replaceAll(file, 'agent.xml'), stderr: stderr.replaceAll(file, 'agent.xml') };
}

/** What `check` prints, line by line. */
async function problems(text: string): Promise<string[]> {
  const file = path.join(folder, 'changed.xml');
  await writeFile(file, text, { mode: 0o600 });
  const error = await loadAgentConfig(file).catch((reason: unknown) => reason);
  return error instanceof Error ? error.message.split('\n') : [];
}

describe('the way from netopeer2', () => {
  test('begins with what `check` is said to print', async () => {
    const [, shown] = /\$ callhome-agent check agent\.xml\n(.*?)```/s.exec(page) ?? [];
    expect((await check(example('before'))).stdout).toBe(shown);
  });

  test('ends with a valid file', async () => {
    expect(await check(example('after'))).toEqual({ stdout: 'valid\n', stderr: '' });
  });

  test("takes netopeer2's own host key, PKCS#8 that is called otherwise, with a warning", async () => {
    const { stdout, stderr } = await check(
      example('after').replace('ct:one-asymmetric-key-format', 'ct:rsa-private-key-format'),
    );
    expect(stdout).toBe('valid\n');
    expect(stderr).toContain('should be ietf-crypto-types:one-asymmetric-key-format');
  });
});

/** A host key and a user as earlier drafts of the modules and libnetconf2 have them, each in the place of ours. */
const strangers: readonly (readonly [from: string | RegExp, to: string, first: string])[] = [
  [
    /central-keystore-reference/g,
    'keystore-reference',
    'keystore-reference: is not known here: it is central-keystore-reference now',
  ],
  [
    /inline-definition/g,
    'local-definition',
    'local-definition: is not known here: it is inline-definition now',
  ],
  [
    /<public-keys>.*<\/public-keys>/gs,
    '<password>$0$x</password>',
    'password: must not have text where elements belong, such as hashed-password',
  ],
  [
    '<users>',
    '<supported-authentication-methods/><users>',
    'supported-authentication-methods: is not known here: leave it out',
  ],
  [
    'cleartext-private-key>',
    'private-key>',
    'private-key: is not known here: it is cleartext-private-key now',
  ],
  [
    /<private-key-format.*<\/private-key-format>/g,
    '<private-key-format xmlns:n="urn:cesnet:libnetconf2-netconf-server">n:openssh-private-key-format</private-key-format>',
    'not "{urn:cesnet:libnetconf2-netconf-server}openssh',
  ],
  [
    '<user>',
    '<user><keyboard-interactive xmlns="urn:cesnet:libnetconf2-netconf-server"><use-system-auth/></keyboard-interactive>',
    'keyboard-interactive: is in the namespace "urn:cesnet:libnetconf2-netconf-server", of which nothing is known here: give the user\'s password/hashed-password',
  ],
  [
    /<keystore .*<\/keystore>/gs,
    '',
    'must name an asymmetric-key of the keystore, of which this document has none',
  ],
  [/<netconf-server .*<\/netconf-server>/gs, '', 'keystore, truststore and netconf-server are one file'],
  [
    /^(.*)$/gs,
    '<data xmlns="urn:x">$1</data>',
    '/data: is in the namespace "urn:x", of which nothing is known here: give what is in it',
  ],
  [
    '<call-home>',
    '<listen><endpoint/></listen><call-home>',
    '/ietf-netconf-server:netconf-server/listen: listening is not supported yet',
  ],
];

test.each(strangers)('%s as %s is told of first: %s', async (from, to, first) => {
  const text = example('after').replaceAll(from, to);
  expect((await problems(text))[0]).toContain(first);
});

test('in JSON the module is named', async () => {
  const text = '{"ietf-netconf-server:netconf-server":{"call-home":{"libnetconf2-netconf-server:x":1}}}';
  expect((await problems(text))[0]).toContain(
    'call-home/libnetconf2-netconf-server:x: is of the module "libnetconf2-netconf-server", of which nothing is known here',
  );
});

test('what the program does not do yet is told before all else', async () => {
  const text = example('after').replaceAll(/<(\/?)ssh>/g, '<$1tls>');
  expect((await problems(text))[0]).toMatch(/endpoint\[name='east'\]\/tls: TLS is not supported yet$/);
});

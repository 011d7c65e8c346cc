import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { generateKeyPair, publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { publicKeysFromText, weakness } from '@callhome/shared/ssh/public-key.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirePeers } from '../../interop/peers/require-peers.js';
import { createFolder, removeFolder } from '../../programs/folder.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ed = generateKeyPairSync('ed25519').privateKey;
const weak = generateKeyPairSync('rsa', { modulusLength: 2040 }).privateKey;
const user = generateKeyPair().publicKey;

const der = (key: KeyObject, type: 'pkcs1' | 'sec1' | 'pkcs8') => key.export({ format: 'der', type });
const pem = (key: KeyObject) => Buffer.from(key.export({ format: 'pem', type: 'pkcs8' }));

let folder = '';
beforeAll(async () => {
  folder = await createFolder('keys');
});
afterAll(() => removeFolder(folder));

const place = "/ietf-keystore:keystore/asymmetric-keys/asymmetric-key[name='host-key']";

/** What is said of a configuration whose host key is this value in this format; its warnings where it is valid. */
async function said(value: string, format: string): Promise<string[]> {
  const document = JSON.stringify(
    newAgentDocument({
      endpoints: [{ address: '192.0.2.1', port: 4334 }],
      hostKey: generateKeyPair(),
      user: 'callhome',
      userKeys: [user],
    }),
  );
  const keyed = document.replace(
    /"public-key-format":"[^"]*","public-key":"[^"]*","private-key-format":"[^"]*","cleartext-private-key":"[^"]*"/,
    `"private-key-format":"ietf-crypto-types:${format}","cleartext-private-key":${JSON.stringify(value)}`,
  );
  const file = path.join(folder, 'agent.json');
  await writeFile(file, keyed, { mode: 0o600 });
  try {
    return [...(await loadAgentConfig(file)).warnings].map((line) => line.replace(`${file}: `, ''));
  } catch (error) {
    const { message } = error as Error;
    for (let at = 0; at + 16 <= value.length; at += 16)
      expect(message).not.toContain(value.slice(at, at + 16));
    return message.split('\n').map((line) => line.replace(`${file}: `, ''));
  }
}

describe('a private key', () => {
  test.each([
    ['PKCS#1', der(rsa, 'pkcs1'), 'one-asymmetric-key-format', 'rsa-private-key-format'],
    ['PKCS#1', der(rsa, 'pkcs1'), 'ec-private-key-format', 'rsa-private-key-format'],
    ['SEC1', der(ec, 'sec1'), 'one-asymmetric-key-format', 'ec-private-key-format'],
    ['PKCS#8', der(ec, 'pkcs8'), 'rsa-private-key-format', 'one-asymmetric-key-format'],
    ['PKCS#8', der(ed, 'pkcs8'), 'ec-private-key-format', 'one-asymmetric-key-format'],
  ])('in %s under another format is told the right one', async (_encoding, bytes, stated, actual) => {
    expect(await said(bytes.toString('base64'), stated)).toEqual([
      `${place}: the key is not a usable key: it is in the private-key-format ietf-crypto-types:${actual}: state that one`,
    ]);
  });

  test.each([
    ['of RSA', rsa, 'rsa-private-key-format'],
    ['of ECDSA', ec, 'ec-private-key-format'],
  ])('%s in PKCS#8 under the format of its kind is read, with a warning', async (_kind, key, stated) => {
    expect(await said(der(key, 'pkcs8').toString('base64'), stated)).toEqual([
      `${place}: is read, though its private-key-format should be ietf-crypto-types:one-asymmetric-key-format`,
    ]);
  });

  test.each([
    ['rsa-private-key-format', der(rsa, 'pkcs1')],
    ['ec-private-key-format', der(ec, 'sec1')],
    ['one-asymmetric-key-format', der(ed, 'pkcs8')],
  ])('under %s, which it is in, is read in silence', async (stated, bytes) => {
    expect(await said(bytes.toString('base64'), stated)).toEqual([]);
  });

  test('that is PEM is told to be so, as it is and in base64', async () => {
    const advice = 'give what stands between its first and its last line, as one line';
    expect(await said(pem(ed).toString(), 'one-asymmetric-key-format')).toEqual([
      `${place}/cleartext-private-key: must be base64, and is PEM: ${advice}`,
    ]);
    expect(await said(pem(ed).toString('base64'), 'one-asymmetric-key-format')).toEqual([
      `${place}: the key is not a usable key: it is PEM, which is base64 already: ${advice}`,
    ]);
  });

  test('that is a public one is told to be so', async () => {
    for (const value of [
      user.blob,
      Buffer.from(generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' })),
    ])
      expect(await said(value.toString('base64'), 'one-asymmetric-key-format')).toEqual([
        `${place}: the key is not a usable key: it is a public key`,
      ]);
  });

  test('in base64 with white space in it is told to be so', async () => {
    const wrapped = der(rsa, 'pkcs8').toString('base64').replace(/.{76}/g, '$&\n');
    expect(await said(wrapped, 'one-asymmetric-key-format')).toEqual([
      `${place}/cleartext-private-key: must be base64 on one line, without white space`,
    ]);
  });

  test('of nothing that is known is refused as before', async () => {
    const said76 = await said('QUJD', 'one-asymmetric-key-format');
    expect(said76).toEqual([expect.stringContaining('it is not pkcs8 DER')]);
  });
});

describe('an RSA key of less than 2048 bits', () => {
  const why = 'it is RSA of 2040 bits, and 2048 are needed: make a new one, best Ed25519';

  test('is refused as a host key', async () => {
    expect(await said(der(weak, 'pkcs8').toString('base64'), 'one-asymmetric-key-format')).toEqual([
      `${place}: the key is not a usable key: ${why}`,
    ]);
  });

  test('is weak, and no other is', () => {
    expect(weakness(publicKeyOf(weak, 'k'))).toBe(why);
    for (const key of [rsa, ec, ed]) expect(weakness(publicKeyOf(key, 'k'))).toBeUndefined();
  });
});

requirePeers('ssh', 'openssl')('with the programs of OpenSSH and OpenSSL', () => {
  const keygen = (...args: string[]) => execFileSync('/usr/bin/ssh-keygen', ['-q', ...args]);

  test("a private key in OpenSSH's own format is told to be so, and how to have it otherwise", async () => {
    const file = path.join(folder, 'id');
    keygen('-t', 'ecdsa', '-N', '', '-f', file);
    const text = await readFile(file, 'utf8');
    const inside = text.split('\n').slice(1, -2).join('');
    for (const value of [inside, Buffer.from(text).toString('base64')])
      expect(await said(value, 'one-asymmetric-key-format')).toEqual([
        expect.stringContaining("not a usable key: it is in OpenSSH's own format: `ssh-keygen -p -m PKCS8"),
      ]);
    // the advice
    keygen('-p', '-m', 'PKCS8', '-P', '', '-N', '', '-f', file);
    const bytes = execFileSync('/usr/bin/openssl', [
      'pkcs8',
      '-topk8',
      '-nocrypt',
      '-in',
      file,
      '-outform',
      'DER',
    ]);
    expect(await said(bytes.toString('base64'), 'one-asymmetric-key-format')).toEqual([]);
  });

  test('the length of RSA keys is what ssh-keygen was asked for', async () => {
    for (const bits of [1024, 2048, 3072]) {
      const file = path.join(folder, `rsa-${bits}`);
      keygen('-t', 'rsa', '-b', String(bits), '-N', '', '-f', file);
      const [key] = publicKeysFromText(await readFile(`${file}.pub`, 'utf8'), 'k');
      const expected = bits < 2048 ? expect.stringContaining(`of ${bits} bits`) : undefined;
      expect(key && weakness(key)).toEqual(expected);
    }
  });
});

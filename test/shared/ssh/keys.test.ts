import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, keyPairFromDer, publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import {
  fingerprint,
  publicKeyLine,
  publicKeysFromText,
  unfitness,
} from '@callhome/shared/ssh/public-key.js';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'callhome-'));
afterAll(() => rmSync(folder, { recursive: true }));

const kinds: readonly (readonly [string, KeyObject])[] = [
  ['ssh-ed25519', generateKeyPairSync('ed25519').privateKey],
  ['ssh-rsa', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['ecdsa-sha2-nistp256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['ecdsa-sha2-nistp384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['ecdsa-sha2-nistp521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
];

describe('public keys', () => {
  it.each(kinds)('of type %s are what OpenSSH makes of them', (type, privateKey) => {
    const key = publicKeyOf(privateKey, 'the key');
    expect(key.type).toBe(type);
    const pem = join(folder, type);
    writeFileSync(
      `${pem}.pem`,
      privateKey.export({ format: 'pem', type: type === 'ssh-rsa' ? 'pkcs1' : 'pkcs8' }),
      { mode: 0o600 },
    );
    writeFileSync(`${pem}.pub`, `${publicKeyLine(key, 'comment')}\n`);
    const printed = execFileSync('ssh-keygen', ['-l', '-f', `${pem}.pub`], { encoding: 'utf8' });
    expect(printed).toContain(fingerprint(key.blob));
    // OpenSSH reads no PKCS#8 Ed25519 keys.
    if (type === 'ssh-ed25519') return;
    const derived = execFileSync('ssh-keygen', ['-y', '-f', `${pem}.pem`], { encoding: 'utf8' });
    expect(derived.split(' ')[1]?.trim()).toBe(key.blob.toString('base64'));
  });

  it('are read from what ssh-keygen writes', () => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'generated')]);
    const text = readFileSync(join(folder, 'generated.pub'), 'utf8');
    const [key] = publicKeysFromText(`# a comment\n\n${text}`, 'generated.pub');
    expect(key?.type).toBe('ssh-ed25519');
    expect(text).toContain(key?.blob.toString('base64'));
    expect(publicKeysFromText(`[router1]:830 ${text}`, 'ssh-keyscan')).toEqual([key]);
  });

  it.each([
    ['', 'holds no public key'],
    ['# only this', 'holds no public key'],
    ['ssh-ed25519', 'line 1'],
    ['ssh-ed25519 AAAA', 'line 1'],
    ['\nssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'line 2'],
    ['ssh-ed25519 !!!!', 'line 1'],
  ])('are refused with their place: %j', (text, words) => {
    expect(() => publicKeysFromText(text, 'key.pub')).toThrow(words);
  });

  it('are refused, unquoted, when they are private', () => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'private')]);
    const text = readFileSync(join(folder, 'private'), 'utf8');
    const secret = text.split('\n')[2] ?? '';
    expect(() => publicKeysFromText(text, 'key')).toThrow(/private key/);
    try {
      publicKeysFromText(text, 'key');
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  });

  it('never crash the reader', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          publicKeysFromText(text, 'x');
        } catch (error) {
          expect(error).toMatchObject({ code: 'CALLHOME_KEY_INVALID' });
        }
      }),
    );
  });
});

describe('a key to know somebody by', () => {
  it.each(kinds)('of type %s is fit, and is none with anything behind it', (_type, privateKey) => {
    const { blob } = publicKeyOf(privateKey, 'the key');
    expect(unfitness(blob)).toBeUndefined();
    for (const bytes of [1, 30_000])
      expect(unfitness(Buffer.concat([blob, Buffer.alloc(bytes)]))).toBeDefined();
  });

  it('is none where it is short RSA, or no key', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(unfitness(publicKeyOf(privateKey, 'the key').blob)).toContain('RSA of 1024 bits');
    expect(unfitness(Buffer.from('no key'))).toBe('it is not an SSH public key');
  });

  it('is none of RSA that is written with zeros before it', () => {
    const { blob } = publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'the key');
    // type, exponent, modulus: each behind its length.
    const modulusAt = 4 + 7 + 4 + 3;
    const padded = Buffer.concat([
      blob.subarray(0, modulusAt),
      Buffer.from([0, 0, 0x21, 0x01]),
      Buffer.alloc(8192),
      blob.subarray(modulusAt + 4),
    ]);
    expect(unfitness(padded)).toBeDefined();
  });
});

describe('private keys', () => {
  it.each(kinds)('of type %s are read from PKCS#8', (_type, privateKey) => {
    const pair = keyPairFromDer(privateKey.export({ format: 'der', type: 'pkcs8' }), 'pkcs8', 'the key');
    expect(pair.publicKey).toEqual(publicKeyOf(privateKey, 'the key'));
  });

  it('that are broken or of another kind are refused', () => {
    const der = generateKeyPair().privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(() => keyPairFromDer(der.subarray(0, 20), 'pkcs8', 'the key')).toThrow(
      /the key is not a usable key/,
    );
    expect(() => keyPairFromDer(der, 'pkcs1', 'the key')).toThrow(/the key is not a usable key/);
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(() => keyPairFromDer(x25519, 'pkcs8', 'the key')).toThrow(/SSH uses/);
  });
});

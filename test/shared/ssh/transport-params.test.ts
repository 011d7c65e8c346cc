import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { serverOffer, type TransportParams } from '@callhome/shared/ssh/transport-params.js';
import { describe, expect, it } from 'vitest';

const pair = (privateKey: KeyObject) => ({ privateKey, publicKey: publicKeyOf(privateKey, 'the key') });
const ed25519 = pair(generateKeyPairSync('ed25519').privateKey);
const rsa = pair(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
const p256 = pair(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const hostKeys = [rsa, ed25519, p256];
const typesOf = (params: TransportParams = {}) =>
  serverOffer(hostKeys, params).hostKeys.map((key) => key.type);

describe('the algorithms that a server offers', () => {
  it('are without lists those without SHA-1, CBC and compression', () => {
    const { algorithms, problems } = serverOffer(hostKeys, {});
    expect(problems).toEqual([]);
    expect(typesOf()).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256']);
    expect(serverOffer(hostKeys, { hostKey: [], keyExchange: [], encryption: [], mac: [] })).toMatchObject({
      algorithms,
    });
    expect(JSON.stringify([algorithms.kex, algorithms.cipher, algorithms.hmac])).not.toMatch(/sha1|cbc|md5/);
    expect(algorithms.compress).toEqual(['none']);
  });

  it('are those of the lists alone, in their order, under the names that peers know', () => {
    const offer = serverOffer(hostKeys, {
      hostKey: ['rsa-sha2-256', 'ssh-ed25519', 'ecdsa-sha2-nistp521', 'ssh-rsa'],
      keyExchange: ['diffie-hellman-group14-sha1', 'curve25519-sha256'],
      encryption: ['aes256-cbc', 'AEAD_AES_256_GCM', 'chacha20-poly1305'],
      mac: ['hmac-sha1-96', 'hmac-sha2-512'],
    });
    expect(offer.problems).toEqual([]);
    expect(offer.hostKeys.map((key) => key.type)).toEqual(['rsa-sha2-256', 'ssh-ed25519', 'ssh-rsa']);
    expect(offer.algorithms).toMatchObject({
      kex: ['diffie-hellman-group14-sha1', 'curve25519-sha256'],
      cipher: ['aes256-cbc', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
      hmac: ['hmac-sha1-96', 'hmac-sha2-512'],
    });
  });

  it('that it does not have are told, each with its place', () => {
    const { problems } = serverOffer(hostKeys, {
      hostKey: ['ssh-dss', 'ssh-ed25519', 'x509v3-ssh-rsa'],
      keyExchange: ['diffie-hellman-group-exchange-sha256', 'curve25519-sha256', 'constructor'],
      encryption: ['none', 'twofish256-ctr'],
      mac: ['AEAD_AES_128_GCM'],
    });
    expect(problems.map(({ list, index }) => [list, index])).toEqual([
      ['hostKey', 0],
      ['hostKey', 2],
      ['keyExchange', 0],
      ['keyExchange', 2],
      ['encryption', 0],
      ['encryption', 1],
      ['mac', 0],
    ]);
    expect(problems[0]?.why).toContain('ssh-dss');
  });

  it('must have a host key that fits', () => {
    expect(serverOffer([ed25519], { hostKey: ['rsa-sha2-512', 'ssh-rsa'] }).problems).toEqual([
      { list: 'hostKey', index: undefined, why: expect.stringContaining('no host key') },
    ]);
  });
});

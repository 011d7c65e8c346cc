import { disagreements } from '@callhome/shared/ssh/offers.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kexInit } from './plain-packets.js';

describe('what two ends have not in common', () => {
  it('is nothing where they have everything', () => {
    expect(disagreements(kexInit(), kexInit(), 'server')).toEqual([]);
  });

  it('is told with what each of them offers', () => {
    const ours = kexInit({ kex: 'curve25519-sha256,ecdh-sha2-nistp256' });
    const theirs = kexInit({
      kex: 'diffie-hellman-group14-sha1,diffie-hellman-group1-sha1',
      hostKey: 'ssh-rsa',
    });
    expect(disagreements(ours, theirs, 'client')).toEqual([
      {
        what: 'key exchange',
        theirs: 'diffie-hellman-group14-sha1, diffie-hellman-group1-sha1',
        ours: 'curve25519-sha256, ecdh-sha2-nistp256',
      },
      { what: 'host key', theirs: 'ssh-rsa', ours: 'ssh-ed25519' },
    ]);
  });

  it('is told for each direction, and once where both are alike', () => {
    const theirs = kexInit({ cipher: '3des-cbc', mac: 'hmac-md5' });
    expect(disagreements(kexInit(), theirs, 'client').map(({ what }) => what)).toEqual([
      'cipher to the device and cipher from the device',
      'MAC to the device and MAC from the device',
    ]);
    const oneWay = kexInit({ cipherFrom: '3des-cbc' });
    expect(disagreements(kexInit(), oneWay, 'client').map(({ what }) => what)).toEqual([
      'cipher from the device',
    ]);
  });

  it('leaves MACs out where the cipher brings its own, by the order of the client', () => {
    const both = 'aes128-gcm@openssh.com,aes128-ctr';
    const theirs = kexInit({ cipher: both, mac: 'hmac-md5' });
    expect(disagreements(kexInit({ cipher: both }), theirs, 'client')).toEqual([]);
    const other = kexInit({ cipher: 'aes128-ctr,aes128-gcm@openssh.com' });
    expect(disagreements(other, theirs, 'server')).toEqual([]);
    expect(disagreements(other, theirs, 'client')).toHaveLength(1);
  });

  it('leaves out what else an end can do, which is no key exchange', () => {
    const theirs = kexInit({ kex: 'old,ext-info-c,kex-strict-c-v00@openssh.com' });
    expect(disagreements(kexInit(), theirs, 'server')).toMatchObject([{ theirs: 'old' }]);
  });

  it('is bounded, and steers no terminal', () => {
    const theirs = kexInit({ kex: `\u001b[2J\u009b,${'a'.repeat(30_000)}`, hostKey: '' });
    const [kex, hostKey] = disagreements(kexInit(), theirs, 'server');
    expect(kex?.theirs.length).toBeLessThan(400);
    expect(kex?.theirs).toMatch(/^[^\p{Cc}]*$/u);
    expect(hostKey?.theirs).toBe('none');
  });

  it('is nothing where one cannot be read', () => {
    const whole = kexInit();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: whole.length }), (bytes, length) => {
        expect(disagreements(whole, bytes, 'server')).toBeDefined();
        expect(disagreements(whole, whole.subarray(0, length), 'client')).toEqual([]);
      }),
    );
  });
});

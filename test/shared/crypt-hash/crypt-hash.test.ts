import { hashPassword, matchesCryptHash, parseCryptHash } from '@callhome/shared/crypt-hash/crypt-hash.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const sha512 = `$6$saltsalt$${'a'.repeat(86)}`;

describe('a crypt-hash', () => {
  it.each([
    ['', 'not a crypt-hash'],
    ['secret', 'not a crypt-hash'],
    ['$0$', 'empty'],
    [`$0$${'ü'.repeat(257)}`, 'longer than 512 bytes'],
    ['$1$salt$4FAkBhwPgdcGRMWkC/Yqv1', 'MD5'],
    [sha512.slice(0, -1), 'not a crypt-hash'],
    [`$5$salt$${'a'.repeat(86)}`, 'not a crypt-hash'],
    [`$6$$${'a'.repeat(86)}`, 'not a crypt-hash'],
    [`$6$12345678901234567$${'a'.repeat(86)}`, 'not a crypt-hash'],
    [`$6$rounds=$salt$${'a'.repeat(86)}`, 'not a crypt-hash'],
    [`$6$rounds=1000001$salt$${'a'.repeat(86)}`, '1000000 rounds'],
    [`$6$rounds=${'9'.repeat(400)}$salt$${'a'.repeat(86)}`, '1000000 rounds'],
    [`${sha512}\n`, 'not a crypt-hash'],
  ])('is refused, unquoted: %j', (text, why) => {
    const parsed = parseCryptHash(text);
    expect(parsed).toMatchObject({ kind: 'refused', why: expect.stringContaining(why) });
    expect(matchesCryptHash('secret', text)).toBe(false);
    expect(JSON.stringify(parsed)).not.toContain('aaaa');
  });

  it('has the rounds of SHA-crypt: 5000, or as many as it says but no fewer than 1000', () => {
    const roundsOf = (rounds: string) => parseCryptHash(sha512.replace('$6$', `$6$${rounds}`));
    expect(roundsOf('')).toMatchObject({ rounds: 5000 });
    expect(roundsOf('rounds=0$')).toMatchObject({ rounds: 1000 });
    expect(roundsOf('rounds=01234$')).toMatchObject({ rounds: 1234 });
    expect(roundsOf('rounds=1000000$')).toMatchObject({ rounds: 1_000_000 });
  });

  it('of cleartext matches that alone', () => {
    expect(matchesCryptHash('p$ss wörd', '$0$p$ss wörd')).toBe(true);
    expect(matchesCryptHash('p$ss word', '$0$p$ss wörd')).toBe(false);
    expect(matchesCryptHash('', '$0$')).toBe(false);
  });

  it('of any password matches that alone, and is another one each time', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }),
        fc.string({ unit: 'binary' }),
        (password, other) => {
          const hash = hashPassword(password);
          expect(hash).toMatch(/^\$6\$[a-zA-Z0-9./]{16}\$[a-zA-Z0-9./]{86}$/);
          expect(matchesCryptHash(password, hash)).toBe(true);
          expect(matchesCryptHash(other, hash)).toBe(Buffer.from(other).equals(Buffer.from(password)));
          expect(hashPassword(password)).not.toBe(hash);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is not made of a password with which nobody could log in', () => {
    for (const password of ['', 'x'.repeat(513)])
      expect(() => hashPassword(password)).toThrowError(
        expect.objectContaining({ code: 'CALLHOME_PASSWORD_INVALID' }),
      );
    expect(matchesCryptHash('x'.repeat(512), hashPassword('x'.repeat(512)))).toBe(true);
  });

  it('is read from anything without a crash', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\$[0156]\$(rounds=\d*\$)?[a-z]{0,20}\$?[a-z]{0,90}$/), (text) => {
        expect(['refused', 'hashed', 'cleartext']).toContain(parseCryptHash(text).kind);
      }),
    );
  });
});

import { decodeSecret, encodeSecret } from '@callhome/shared/convert/junos/secret.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';

it.each([
  ['$9$LbHX-wg4Z', 'lc'],
  ['$9$ReqcyKY2aHqf', 'foo'],
  ['$9$jckmT69pRhrz3hrev7Nik.Pz3/CtOIE', 'juniper123'],
  ['$9$h1/ceWbs4UDkGD/Cpu1I-Vb', 'pyez123'],
  ['$9$2GgZjHkPQ39.PhrvLVb.P5Tz6', 'password'],
])('what Junos shows as %s is read', (shown, secret) => {
  expect(decodeSecret(shown)).toBe(secret);
});

it.each([
  '',
  'password',
  '$9$',
  '$9$!',
  '$9$L',
  '$9$LbHX-wg4',
  '$9$LbHX-wg4ZZ',
  '$9$LbHX-wg4 ',
  '$9$fakeSecretXyZ',
  '$5$2GgZjHkPQ39.PhrvLVb.P5Tz6',
])('%j does not decode', (text) => {
  expect(decodeSecret(text)).toBeUndefined();
});

it('every secret is read back from what is written, whatever the dice', () => {
  const die = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.array(die, { minLength: 4, maxLength: 4 }),
      (secret, dice) => {
        let throws = 0;
        const written = encodeSecret(secret, () => dice[throws++] ?? 0);
        expect(written).toMatch(/^\$9\$[A-Za-z0-9./-]+$/);
        expect(decodeSecret(written)).toBe(secret);
      },
    ),
  );
});

it('a secret is written otherwise each time', () => {
  const written = new Set(Array.from({ length: 20 }, () => encodeSecret('password', Math.random)));
  expect(written.size).toBeGreaterThan(1);
});

it('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      decodeSecret(`$9$${text}`);
    }),
  );
});

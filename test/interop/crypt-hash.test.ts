import { execFileSync } from 'node:child_process';
import { hashPassword, matchesCryptHash } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { expect, test } from 'vitest';
import { requirePeers } from './peers/require-peers.js';

/** What crypt(3) makes of each password: Perl's crypt is the C library's. */
function crypt(requests: readonly { password: string; setting: string }[]): string[] {
  const script = 'while (<STDIN>) { chomp; my ($p, $s) = split / /; print crypt(pack("H*", $p), $s), "\n" }';
  const input = requests
    .map(({ password, setting }) => `${Buffer.from(password).toString('hex')} ${setting}\n`)
    .join('');
  return execFileSync('/usr/bin/perl', ['-e', script], { input, encoding: 'utf8' }).trim().split('\n');
}

/** Around the lengths of the digests, where the algorithm changes its steps; of letters, and of characters of more bytes. */
const passwords = [1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 200].flatMap(
  (length) => [
    'correct horse battery staple'.repeat(8).slice(0, length),
    'пароль 密码 🔑'.repeat(4).slice(0, Math.ceil(length / 4)),
  ],
);

requirePeers('perl')('our crypt-hash and that of the C library', () => {
  test.each(['$5$', '$6$'])('agree on %s hashes', (id) => {
    const settings = ['s', 'salt', 'saltsaltsaltsalt', 'rounds=1000$./Az09', 'rounds=1777$salt'];
    const requests = passwords.map((password, index) => ({
      password,
      setting: `${id}${settings[index % settings.length]}`,
    }));
    const hashes = crypt(requests);
    requests.forEach(({ password }, index) => {
      const hash = hashes[index] ?? '';
      expect(hash.startsWith(id)).toBe(true);
      expect(matchesCryptHash(password, hash), `${password.length} characters`).toBe(true);
      expect(matchesCryptHash(`${password}x`, hash)).toBe(false);
    });
  });

  test('agree on what our hashPassword makes', () => {
    const hashes = passwords.map(hashPassword);
    const theirs = crypt(passwords.map((password, index) => ({ password, setting: hashes[index] ?? '' })));
    expect(theirs).toEqual(hashes);
  });
});

requirePeers('openssl')('our crypt-hash and that of OpenSSL', () => {
  test.each([
    ['-5', '$5$'],
    ['-6', '$6$'],
  ])('agree on %s, and that fewer rounds than 1000 are 1000', (option, id) => {
    const options = ['passwd', option, '-salt', 'rounds=10$salt', 'secret'];
    const hash = execFileSync('/usr/bin/openssl', options, { encoding: 'utf8' }).trim();
    expect(hash.startsWith(`${id}rounds=1000$salt$`)).toBe(true);
    expect(matchesCryptHash('secret', hash)).toBe(true);
    expect(matchesCryptHash('secret', hash.replace('rounds=1000', 'rounds=10'))).toBe(true);
    expect(matchesCryptHash('secret', hash.replace('rounds=1000', 'rounds=1001'))).toBe(false);
  });
});

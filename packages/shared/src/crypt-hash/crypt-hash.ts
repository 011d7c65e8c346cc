import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CallhomeError } from '../errors.js';
import { type ShaCrypt, saltOf, shaCrypt } from './sha-crypt.js';

// The type crypt-hash of iana-crypt-hash (RFC 7317).

/** SHA-crypt's bounds, and what it takes where none is given. */
const rounds = { least: 1000, most: 999_999_999, usual: 5000 };

/** Verifying takes a few seconds with so many, and no longer: the hash is refused that asks for more. */
const maxRounds = 1_000_000;

/** As libxcrypt has it: the work of each round grows with the password. Bytes. */
const maxPassword = 512;

const algorithms: Readonly<Record<string, ShaCrypt>> = { '5': 'sha256', '6': 'sha512' };

const pattern =
  /^\$(?<id>[56])\$(?:rounds=(?<rounds>[0-9]+)\$)?(?<salt>[a-zA-Z0-9./]{1,16})\$(?<digest>[a-zA-Z0-9./]+)$/;

const digestLengths: Readonly<Record<ShaCrypt, number>> = { sha256: 43, sha512: 86 };

/** What a crypt-hash says. Secret, but for `why`. */
export type CryptHash =
  | { readonly kind: 'cleartext'; readonly password: string }
  | {
      readonly kind: 'hashed';
      readonly algorithm: ShaCrypt;
      readonly rounds: number;
      readonly salt: string;
      readonly digest: string;
    }
  /** No password can be verified against it. */
  | { readonly kind: 'refused'; readonly why: string };

function lengthProblem(password: string): string | undefined {
  if (password === '') return 'the password is empty';
  return Buffer.byteLength(password) > maxPassword
    ? `the password is longer than ${maxPassword} bytes`
    : undefined;
}

/**
 * Reads a crypt-hash: `$0$` and the password, or the SHA-crypt forms `$5$` and `$6$`. The MD5 form `$1$` is refused, and
 * so are more than a million rounds. As in glibc, fewer rounds than 1000 are 1000.
 */
export function parseCryptHash(text: string): CryptHash {
  const refused = (why: string): CryptHash => ({ kind: 'refused', why });
  if (text.startsWith('$0$')) {
    const password = text.slice(3);
    const problem = lengthProblem(password);
    return problem === undefined ? { kind: 'cleartext', password } : refused(problem);
  }
  if (text.startsWith('$1$')) return refused('MD5 hashes ($1$) are too weak: use $6$');
  const groups = pattern.exec(text)?.groups;
  const algorithm = algorithms[groups?.['id'] ?? ''];
  const { salt, digest } = groups ?? {};
  if (!algorithm || salt === undefined || digest?.length !== digestLengths[algorithm])
    return refused('it is not a crypt-hash: $6$SALT$HASH, $5$SALT$HASH or $0$PASSWORD');
  const asked = Number(groups?.['rounds'] ?? rounds.usual);
  const taken = Math.min(Math.max(asked, rounds.least), rounds.most);
  if (taken > maxRounds)
    return refused(`it has more than ${maxRounds} rounds: to verify a password would take too long`);
  return { kind: 'hashed', algorithm, rounds: taken, salt, digest };
}

/**
 * The `$6$` hash of a password, with a random salt and SHA-crypt's usual rounds. Takes some milliseconds.
 * @throws CALLHOME_PASSWORD_INVALID where it is empty or longer than 512 bytes of UTF-8
 */
export function hashPassword(password: string): string {
  const why = lengthProblem(password);
  if (why !== undefined) throw new CallhomeError('CALLHOME_PASSWORD_INVALID', { why });
  const salt = saltOf(randomBytes(16));
  return `$6$${salt}$${shaCrypt('sha512', Buffer.from(password), salt, rounds.usual)}`;
}

/** Whether texts are the same, in a time that does not tell where they differ. */
function same(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/**
 * Whether a password is the one of a crypt-hash. Never true for one that is empty or longer than 512 bytes of UTF-8.
 * Takes up to seconds, so it is for a thread of its own: see password-verifier.ts.
 */
export function matchesCryptHash(password: string, cryptHash: string): boolean {
  const parsed = parseCryptHash(cryptHash);
  if (parsed.kind === 'refused' || lengthProblem(password) !== undefined) return false;
  if (parsed.kind === 'cleartext') return same(password, parsed.password);
  const digest = shaCrypt(parsed.algorithm, Buffer.from(password), parsed.salt, parsed.rounds);
  return same(digest, parsed.digest);
}

import { createHmac, randomBytes } from 'node:crypto';
import ssh2, { type AuthContext, type PublicKeyAuthContext } from 'ssh2';
import { passwordVerifier } from '../crypt-hash/password-verifier.js';
import { peerText, reasonOf } from '../errors.js';
import { userKeyAlgorithms } from './algorithms.js';
import { keyTypeOf } from './key-pair.js';
import { fingerprint, type PublicKey } from './public-key.js';
import { signatureAlgorithm } from './ssh2-internals.js';

/**
 * Who may log in: by each method that is configured, so by both where there are keys and a password, and never where there
 * is neither.
 */
export interface SshUser {
  readonly name: string;
  /** Any one of them; absent or empty where the user has no keys. */
  readonly publicKeys?: readonly PublicKey[] | undefined;
  /** A crypt-hash (RFC 7317). Secret. */
  readonly passwordHash?: string | undefined;
}

export type Method = 'publickey' | 'password';

/** `left`: the methods that the user has still to pass. */
export type Verdict =
  /** The user has passed them all; or it asked whether a key would do, and it would (RFC 4252 §7). */
  | { readonly kind: 'accept' }
  /** One of them is passed (RFC 4252 §5.1). */
  | { readonly kind: 'partial'; readonly left: readonly Method[] }
  /** The client asks what is offered (RFC 4252 §5.2): no failure. */
  | { readonly kind: 'inform'; readonly left: readonly Method[] }
  | { readonly kind: 'refuse'; readonly left: readonly Method[]; readonly why: string };

/** Judges the authentication requests of one connection, one after the other. */
export type Judge = (context: AuthContext) => Verdict | Promise<Verdict>;

/**
 * For the whole process: one password at a time, so that logins leave the device its processors. Every connection has
 * one at most, so that as many can wait as there are applications.
 */
const verifyPassword = passwordVerifier({ threads: 1, waiting: 64, timeoutSeconds: 10 });

/** Chooses whom a user that does not exist is like: the same for each name, and nobody else can tell whom. */
const secret = randomBytes(32);

function methodsOf(user: SshUser | undefined): Method[] {
  return [
    ...(user?.publicKeys?.length ? (['publickey'] as const) : []),
    ...(user?.passwordHash === undefined ? [] : (['password'] as const)),
  ];
}

/** Why a public key request does not prove that the client is the user; undefined where it does, or might. */
function keyProblem(user: SshUser | undefined, context: PublicKeyAuthContext): string | undefined {
  const key = user?.publicKeys?.find(({ blob }) => blob.equals(context.key.data));
  const verifier = key && ssh2.utils.parseKey(`${key.type} ${key.blob.toString('base64')}`);
  if (!verifier || verifier instanceof Error)
    return `the public key ${fingerprint(context.key.data)} is not one of the user's`;
  const algorithm = signatureAlgorithm(context);
  if (algorithm === 'ssh-rsa') return 'the client signs with SHA-1';
  if (!userKeyAlgorithms.includes(algorithm) || keyTypeOf(algorithm) !== key.type)
    return `the signature algorithm ${peerText(algorithm)} is not accepted for its key`;
  if (!context.signature) return undefined;
  const verified = context.blob && verifier.verify(context.blob, context.signature, context.hashAlgo);
  return verified === true ? undefined : 'the signature is wrong';
}

/**
 * Judges one connection's authentication against an endpoint's users, who have to pass each method that they have. One
 * that does not exist is treated as one of those that do, in what is offered and in the time that it takes, but for the
 * outcome.
 * @param signal the end of the connection: nobody waits for a verdict any more
 */
export function authenticator(users: readonly SshUser[], signal: AbortSignal): Judge {
  const able = users.filter((user) => methodsOf(user).length > 0);
  let progress: { readonly name: string; readonly passed: Set<Method> } | undefined;

  function likeness(unknown: string): SshUser | undefined {
    const number = createHmac('sha256', secret).update(unknown).digest().readUInt32BE();
    return able[number % able.length];
  }

  async function passwordProblem(user: SshUser | undefined, password: string): Promise<string | undefined> {
    try {
      const right = await verifyPassword(password, user?.passwordHash ?? '', signal);
      return right ? undefined : 'the password is wrong';
    } catch (error) {
      return reasonOf(error);
    }
  }

  return (context) => {
    // RFC 4252 §5: who comes under another name starts again.
    if (progress?.name !== context.username) progress = { name: context.username, passed: new Set() };
    const { name, passed } = progress;
    const known = able.find((user) => user.name === name);
    const user = known ?? likeness(name);
    const left = (): Method[] => methodsOf(user).filter((method) => !passed.has(method));
    const refuse = (why: string): Verdict => ({ kind: 'refuse', left: left(), why });
    const pass = (method: Method): Verdict => {
      passed.add(method);
      return left().length === 0 ? { kind: 'accept' } : { kind: 'partial', left: left() };
    };

    if (context.method === 'none') return { kind: 'inform', left: left() };
    if (context.method === 'publickey' && left().includes('publickey')) {
      const why = keyProblem(known, context);
      if (why !== undefined) return refuse(why);
      return context.signature ? pass('publickey') : { kind: 'accept' };
    }
    if (context.method === 'password' && left().includes('password')) {
      // RFC 4252 §8: with a change of the password ssh2 gives both, whatever its types say.
      if (typeof context.password !== 'string') return refuse('passwords are not changed here');
      return passwordProblem(user, context.password).then((why) => {
        if (!known) return refuse('there is no such user');
        return why === undefined ? pass('password') : refuse(why);
      });
    }
    return refuse(`the method ${context.method} is not offered`);
  };
}

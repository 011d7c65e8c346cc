import type { EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import ssh2, { type AuthContext } from 'ssh2';

type Verdict =
  | { readonly kind: 'accept' }
  /** The client asks what is offered (RFC 4252 §5.2): no failure. */
  | { readonly kind: 'inform' }
  | { readonly kind: 'refuse'; readonly why: string };

/** Judges authentication requests against an endpoint's users, who log in by public key. */
export function authenticator(users: EndpointConfig['users']): (context: AuthContext) => Verdict {
  const keys = new Map(
    users.map((user) => [
      user.name,
      user.publicKeys.flatMap(({ type, blob }) => {
        const verifier = ssh2.utils.parseKey(`${type} ${blob.toString('base64')}`);
        return verifier instanceof Error ? [] : [{ blob, verifier }];
      }),
    ]),
  );
  const refuse = (why: string): Verdict => ({ kind: 'refuse', why });
  return (context) => {
    if (context.method === 'none') return { kind: 'inform' };
    if (context.method !== 'publickey') return refuse(`the method ${context.method} is not offered`);
    const key = keys.get(context.username)?.find(({ blob }) => blob.equals(context.key.data));
    if (!key) return refuse(`the public key ${fingerprint(context.key.data)} is not one of the user's`);
    // ssh2 says `ssh-rsa` for RSA's SHA-2 signatures too (RFC 8332), and then names the hash.
    if (context.key.algo === 'ssh-rsa' && context.hashAlgo === undefined)
      return refuse('the client signs with SHA-1');
    // Without a signature the client asks whether this key would do (RFC 4252 §7).
    if (!context.signature) return { kind: 'accept' };
    const verified = context.blob && key.verifier.verify(context.blob, context.signature, context.hashAlgo);
    return verified === true ? { kind: 'accept' } : refuse('the signature is wrong');
  };
}

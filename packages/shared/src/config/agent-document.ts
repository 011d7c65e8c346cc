import { CallhomeError } from '../errors.js';
import type { KeyPair } from '../ssh/key-pair.js';
import { type PublicKey, weakness } from '../ssh/public-key.js';
import { type CallHomeClient, sshEndpoints } from './call-home-client.js';
import { keyPairLeaves, publicKeyLeaves } from './keys.js';
import type { Fields } from './yang/node.js';

/** What a new agent has of its own, and whom it lets in. */
export interface Credentials {
  readonly hostKey: KeyPair;
  /** The user that the collector logs in as. */
  readonly user: string;
  readonly userKeys: readonly PublicKey[];
}

/** What the applications of a new document refer to. */
export function referencesOf({ user }: Credentials) {
  return { hostKey: 'host-key', user, trusted: 'nms' };
}

/**
 * The data of an agent's configuration with these applications, every value that matters written out.
 * @throws CALLHOME_KEY_INVALID for a user's key that is too weak
 */
export function agentDocument(applications: readonly CallHomeClient[], credentials: Credentials): Fields {
  const { hostKey, trusted } = referencesOf(credentials);
  for (const why of credentials.userKeys.flatMap((key) => weakness(key) ?? []))
    throw new CallhomeError('CALLHOME_KEY_INVALID', { what: "the collector's key", why });
  const keys = credentials.userKeys.map((key, index) => ({
    name: `${trusted}-${index + 1}`,
    ...publicKeyLeaves(key),
  }));
  return {
    'ietf-keystore:keystore': {
      'asymmetric-keys': {
        'asymmetric-key': [{ name: hostKey, ...keyPairLeaves(credentials.hostKey) }],
      },
    },
    'ietf-truststore:truststore': {
      'public-key-bags': { 'public-key-bag': [{ name: trusted, 'public-key': keys }] },
    },
    'ietf-netconf-server:netconf-server': { 'call-home': { 'netconf-client': applications } },
    'callhome-agent:agent': {
      backend: { embedded: {} },
      'backoff-cap': 60,
      'handshake-timeout': 30,
      'max-sessions': 10,
      'session-linger': 5,
    },
  };
}

/** The data of a new agent's configuration: one application, endpoints in order. @throws CALLHOME_KEY_INVALID */
export function newAgentDocument(
  options: Credentials & { readonly endpoints: readonly { address: string; port: number }[] },
): Fields {
  const endpoints = sshEndpoints(options.endpoints, referencesOf(options), {
    'max-wait': 30,
    'max-attempts': 3,
  });
  const application: CallHomeClient = {
    name: 'nms',
    endpoints: {
      endpoint: endpoints.map((endpoint, index) => ({ ...endpoint, name: `nms-${index + 1}` })),
    },
    'connection-type': { persistent: {} },
    'reconnect-strategy': { 'start-with': 'last-connected', 'max-wait': 5, 'max-attempts': 3 },
  };
  return agentDocument([application], options);
}

import { host, hostFinding } from './modules/ietf-inet-types.js';

/** The names that imported applications refer to: their own formats keep keys and users elsewhere. */
export interface References {
  /** An asymmetric key of the keystore. */
  readonly hostKey: string;
  /** Who may log in. */
  readonly user: string;
  /** A public key bag of the truststore, with that user's keys. */
  readonly trusted: string;
}

/** Seconds; as in the model. */
export interface SshKeepalives {
  readonly 'max-wait': number;
  readonly 'max-attempts': number;
}

export interface CallHomeEndpoint {
  readonly name: string;
  readonly ssh: {
    readonly 'tcp-client-parameters': { readonly 'remote-address': string; readonly 'remote-port': number };
    readonly 'ssh-server-parameters': {
      readonly 'server-identity': {
        readonly 'host-key': readonly {
          readonly name: string;
          readonly 'public-key': { readonly 'central-keystore-reference': string };
        }[];
      };
      readonly 'client-authentication': {
        readonly users: {
          readonly user: readonly {
            readonly name: string;
            readonly 'public-keys': { readonly 'central-truststore-reference': string };
          }[];
        };
      };
      readonly keepalives?: SshKeepalives;
    };
  };
}

/** An entry of the model's list `netconf-client` as the imports make it: RFC 7951 JSON. */
export interface CallHomeClient {
  readonly name: string;
  readonly endpoints: { readonly endpoint: readonly CallHomeEndpoint[] };
  readonly 'connection-type':
    | { readonly persistent: Record<string, never> }
    | { readonly periodic: { readonly period: number; readonly 'idle-timeout': number } };
  readonly 'reconnect-strategy': {
    readonly 'start-with'?: 'first-listed' | 'last-connected';
    readonly 'max-wait'?: number;
    readonly 'max-attempts': number;
  };
  readonly 'callhome-agent:outbound-ssh'?: { readonly 'device-id': string; readonly secret?: string };
}

/** Endpoints over SSH, named by their addresses; a name that is there already gets a number. */
export function sshEndpoints(
  servers: readonly { readonly address: string; readonly port: number }[],
  references: References,
  keepalives: SshKeepalives | undefined,
): CallHomeEndpoint[] {
  const names = new Set(servers.map(({ address }) => address));
  const taken = new Set<string>();
  const numbers = new Map<string, number>();
  function nameOf(address: string): string {
    let name = address;
    for (let number = numbers.get(address) ?? 2; taken.has(name); number++) {
      const numbered = `${address}-${number}`;
      if (!names.has(numbered)) name = numbered;
      numbers.set(address, number + 1);
    }
    taken.add(name);
    return name;
  }
  return servers.map(({ address, port }) => ({
    name: nameOf(address),
    ssh: {
      'tcp-client-parameters': { 'remote-address': address, 'remote-port': port },
      'ssh-server-parameters': {
        'server-identity': {
          'host-key': [
            {
              name: references.hostKey,
              'public-key': { 'central-keystore-reference': references.hostKey },
            },
          ],
        },
        'client-authentication': {
          users: {
            user: [
              {
                name: references.user,
                'public-keys': { 'central-truststore-reference': references.trusted },
              },
            ],
          },
        },
        ...(keepalives && { keepalives }),
      },
    },
  }));
}

/** Whether the model and the agent take it as `remote-address`. */
export function isRemoteAddress(text: string): boolean {
  return host.safeParse(text).success && hostFinding(text) === undefined;
}

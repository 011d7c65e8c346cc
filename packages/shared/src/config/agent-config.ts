import { z } from 'zod';
import type { KeyPair } from '../ssh/key-pair.js';
import type { PublicKey } from '../ssh/public-key.js';
import { agent } from './callhome-agent.js';
import { readDocument } from './document.js';
import { keyPairLeaves, publicKeyLeaves } from './ietf-crypto-types.js';
import { hostProblem } from './ietf-inet-types.js';
import { keystore, resolveKeyPair } from './ietf-keystore.js';
import { netconfServer } from './ietf-netconf-server.js';
import { userProblem } from './ietf-ssh-common.js';
import { resolvePublicKeys, truststore } from './ietf-truststore.js';
import { checkKeys, createProblems, type Problems } from './problems.js';
import { keyPredicate } from './yang-list.js';

const schema = z.strictObject({
  'ietf-netconf-server:netconf-server': netconfServer,
  'ietf-keystore:keystore': keystore.optional(),
  'ietf-truststore:truststore': truststore.optional(),
  'callhome-agent:agent': agent.prefault({}),
});

type Document = z.infer<typeof schema>;
type Application = Document['ietf-netconf-server:netconf-server']['call-home']['netconf-client'][number];
type Endpoint = Application['endpoints']['endpoint'][number];

/** When SSH probes a silent peer. Seconds. */
export interface Keepalive {
  readonly maxWait: number;
  readonly maxAttempts: number;
}

/** One server of an application. */
export interface EndpointConfig {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly hostKeys: readonly KeyPair[];
  readonly users: readonly { readonly name: string; readonly publicKeys: readonly PublicKey[] }[];
  readonly keepalive: Keepalive | undefined;
}

/** One management system that is called. Times in seconds. */
export interface ApplicationConfig {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly startWith: 'first-listed' | 'last-connected';
  readonly maxWait: number;
  readonly maxAttempts: number;
}

export interface AgentConfig {
  readonly applications: readonly ApplicationConfig[];
  readonly agent: Document['callhome-agent:agent'];
  /** The file's data as it stands, with its secrets. */
  readonly document: unknown;
}

function resolveEndpoint(
  endpoint: Endpoint,
  document: Document,
  path: string,
  problems: Problems,
): EndpointConfig {
  const { 'tcp-client-parameters': tcp, 'ssh-server-parameters': ssh } = endpoint.ssh;
  const here = `${path}/endpoints/endpoint${keyPredicate(endpoint.name)}/ssh`;
  const server = `${here}/ssh-server-parameters`;
  const bad = hostProblem(tcp['remote-address']);
  if (bad) problems.add(`${here}/tcp-client-parameters/remote-address`, bad);
  const hostKeys = ssh['server-identity']['host-key'].flatMap((key) =>
    problems.collect(`${server}/server-identity/host-key${keyPredicate(key.name)}/public-key`, () =>
      resolveKeyPair(key['public-key'], document['ietf-keystore:keystore'], 'the host key'),
    ),
  );
  const users = ssh['client-authentication'].users.user.flatMap((user) => {
    const userPath = `${server}/client-authentication/users/user${keyPredicate(user.name)}`;
    const badName = userProblem(user.name);
    if (badName) problems.add(`${userPath}/name`, badName);
    return problems.collect(`${userPath}/public-keys`, () => {
      const keys = resolvePublicKeys(
        user['public-keys'],
        document['ietf-truststore:truststore'],
        'the public key',
      );
      return keys && { name: user.name, publicKeys: keys };
    });
  });
  return {
    name: endpoint.name,
    address: tcp['remote-address'],
    port: tcp['remote-port'],
    hostKeys,
    users,
    keepalive: ssh.keepalives && {
      maxWait: ssh.keepalives['max-wait'],
      maxAttempts: ssh.keepalives['max-attempts'],
    },
  };
}

/**
 * Reads an agent's configuration and its keys.
 * @throws CALLHOME_FILE_UNREADABLE, CALLHOME_CONFIG_INVALID with every problem: file, path, reason
 */
export async function loadAgentConfig(file: string): Promise<AgentConfig> {
  const { document, config } = await readDocument(file, schema);
  const problems = createProblems(file);
  checkKeys(problems, config['ietf-keystore:keystore'], config['ietf-truststore:truststore']);
  const applications = config['ietf-netconf-server:netconf-server']['call-home']['netconf-client'].map(
    (application): ApplicationConfig => {
      const path = `/ietf-netconf-server:netconf-server/call-home/netconf-client${keyPredicate(application.name)}`;
      const strategy = application['reconnect-strategy'];
      return {
        name: application.name,
        endpoints: application.endpoints.endpoint.map((e) => resolveEndpoint(e, config, path, problems)),
        startWith: strategy['start-with'],
        maxWait: strategy['max-wait'],
        maxAttempts: strategy['max-attempts'],
      };
    },
  );
  problems.throwAny();
  return { applications, agent: config['callhome-agent:agent'], document };
}

/** The data of a new agent configuration: one application, endpoints in order, every value that matters written out. */
export function newAgentDocument(options: {
  endpoints: readonly { address: string; port: number }[];
  hostKey: KeyPair;
  user: string;
  userKeys: readonly PublicKey[];
}): unknown {
  const keys = options.userKeys.map((key, index) => ({ name: `nms-${index + 1}`, ...publicKeyLeaves(key) }));
  return {
    'ietf-keystore:keystore': {
      'asymmetric-keys': { 'asymmetric-key': [{ name: 'host-key', ...keyPairLeaves(options.hostKey) }] },
    },
    'ietf-truststore:truststore': {
      'public-key-bags': { 'public-key-bag': [{ name: 'nms', 'public-key': keys }] },
    },
    'ietf-netconf-server:netconf-server': {
      'call-home': {
        'netconf-client': [
          {
            name: 'nms',
            endpoints: {
              endpoint: options.endpoints.map(({ address, port }, index) => ({
                name: `nms-${index + 1}`,
                ssh: {
                  'tcp-client-parameters': { 'remote-address': address, 'remote-port': port },
                  'ssh-server-parameters': {
                    'server-identity': {
                      'host-key': [
                        { name: 'host-key', 'public-key': { 'central-keystore-reference': 'host-key' } },
                      ],
                    },
                    'client-authentication': {
                      users: {
                        user: [
                          { name: options.user, 'public-keys': { 'central-truststore-reference': 'nms' } },
                        ],
                      },
                    },
                    keepalives: { 'max-wait': 30, 'max-attempts': 3 },
                  },
                },
              })),
            },
            'connection-type': { persistent: {} },
            'reconnect-strategy': { 'start-with': 'last-connected', 'max-wait': 5, 'max-attempts': 3 },
          },
        ],
      },
    },
    'callhome-agent:agent': {
      backend: { embedded: {} },
      'backoff-cap': 60,
      'handshake-timeout': 30,
      'max-sessions': 10,
    },
  };
}

import { z } from 'zod';
import type { KeyPair } from '../ssh/key-pair.js';
import type { Keepalive } from './agent-config.js';
import { nms } from './callhome-nms.js';
import { readDocument } from './document.js';
import { keyPairLeaves } from './ietf-crypto-types.js';
import { keystore, resolveKeyPair } from './ietf-keystore.js';
import { netconfClient } from './ietf-netconf-client.js';
import { userProblem } from './ietf-ssh-common.js';
import { resolvePublicKeys, truststore } from './ietf-truststore.js';
import { checkKeys, createProblems, type Problems } from './problems.js';
import { keyPredicate } from './yang-list.js';

const schema = z.strictObject({
  'ietf-netconf-client:netconf-client': netconfClient,
  'ietf-keystore:keystore': keystore.optional(),
  'ietf-truststore:truststore': truststore.optional(),
  'callhome-nms:nms': nms.prefault({}),
});

type Document = z.infer<typeof schema>;
type Endpoint = Document['ietf-netconf-client:netconf-client']['listen']['endpoints']['endpoint'][number];

/** One place where devices call. */
export interface ListenerConfig {
  readonly name: string;
  readonly binds: readonly { readonly address: string; readonly port: number }[];
  /** The collector's key for logging in to devices that call here. */
  readonly identity: KeyPair;
  readonly keepalive: Keepalive | undefined;
}

export interface NmsConfig {
  readonly listeners: readonly ListenerConfig[];
  /** For devices that are added without a user. */
  readonly defaultUser: string;
  readonly api: { readonly address: string; readonly port: number };
  readonly admission: {
    readonly maxConnections: number;
    readonly maxHandshakes: number;
    /** Seconds. */
    readonly handshakeTimeout: number;
  };
}

function resolveListener(endpoint: Endpoint, document: Document, problems: Problems): ListenerConfig[] {
  const { 'tcp-server-parameters': tcp, 'ssh-client-parameters': ssh } = endpoint.ssh;
  const here = `/ietf-netconf-client:netconf-client/listen/endpoints/endpoint${keyPredicate(endpoint.name)}/ssh/ssh-client-parameters`;
  const { username, 'public-key': identityKey } = ssh['client-identity'];
  const badName = username === undefined ? undefined : userProblem(username);
  if (badName) problems.add(`${here}/client-identity/username`, badName);
  const trustedPath = `${here}/server-authentication/ssh-host-keys`;
  const trusted = problems.collect(trustedPath, () =>
    resolvePublicKeys(
      ssh['server-authentication']['ssh-host-keys'],
      document['ietf-truststore:truststore'],
      'the host key',
    ),
  );
  if (trusted.some((keys) => keys.length > 0)) {
    problems.add(
      trustedPath,
      'must refer to an empty bag: devices and their keys are added with `callhome-nms device add`',
    );
  }
  return problems
    .collect(`${here}/client-identity/public-key`, () =>
      resolveKeyPair(identityKey, document['ietf-keystore:keystore'], 'the key'),
    )
    .map((identity) => ({
      name: endpoint.name,
      binds: tcp['local-bind'].map((bind) => ({ address: bind['local-address'], port: bind['local-port'] })),
      identity,
      keepalive: ssh.keepalives && {
        maxWait: ssh.keepalives['max-wait'],
        maxAttempts: ssh.keepalives['max-attempts'],
      },
    }));
}

/**
 * Reads a collector's configuration and its keys.
 * @throws CALLHOME_FILE_UNREADABLE, CALLHOME_CONFIG_INVALID with every problem: file, path, reason
 */
export async function loadNmsConfig(file: string): Promise<NmsConfig> {
  const { config } = await readDocument(file, schema);
  const problems = createProblems(file);
  checkKeys(problems, config['ietf-keystore:keystore'], config['ietf-truststore:truststore']);
  const endpoints = config['ietf-netconf-client:netconf-client'].listen.endpoints.endpoint;
  const listeners = endpoints.flatMap((endpoint) => resolveListener(endpoint, config, problems));
  problems.throwAny();
  const settings = config['callhome-nms:nms'];
  return {
    listeners,
    defaultUser: endpoints[0]?.ssh['ssh-client-parameters']['client-identity'].username ?? 'callhome',
    api: settings.api,
    admission: {
      maxConnections: settings.admission['max-connections'],
      maxHandshakes: settings.admission['max-handshakes'],
      handshakeTimeout: settings.admission['handshake-timeout'],
    },
  };
}

/** The data of a new collector configuration, every value that matters written out. */
export function newNmsDocument(options: {
  identity: KeyPair;
  binds: readonly { address: string; port: number }[];
  apiPort: number;
}): unknown {
  const binds = options.binds.map(({ address, port }) => ({ 'local-address': address, 'local-port': port }));
  return {
    'ietf-keystore:keystore': {
      'asymmetric-keys': { 'asymmetric-key': [{ name: 'collector', ...keyPairLeaves(options.identity) }] },
    },
    'ietf-truststore:truststore': {
      'public-key-bags': {
        'public-key-bag': [
          { name: 'devices', description: 'Empty: the devices and their keys live in the registry.' },
        ],
      },
    },
    'ietf-netconf-client:netconf-client': {
      listen: {
        'idle-timeout': 0,
        endpoints: {
          endpoint: [
            {
              name: 'call-home',
              ssh: {
                'tcp-server-parameters': { 'local-bind': binds },
                'ssh-client-parameters': {
                  'client-identity': {
                    username: 'callhome',
                    'public-key': { 'central-keystore-reference': 'collector' },
                  },
                  'server-authentication': { 'ssh-host-keys': { 'central-truststore-reference': 'devices' } },
                  keepalives: { 'max-wait': 30, 'max-attempts': 3 },
                },
              },
            },
          ],
        },
      },
    },
    'callhome-nms:nms': {
      api: { address: '127.0.0.1', port: options.apiPort },
      admission: { 'max-connections': 20_000, 'max-handshakes': 512, 'handshake-timeout': 30 },
    },
  };
}

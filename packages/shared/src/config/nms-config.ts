import type { KeepaliveConfig } from '../ssh/keepalive.js';
import type { KeyPair } from '../ssh/key-pair.js';
import type { Configuration } from './configuration.js';
import { type Document, loadDocument } from './document.js';
import { examine, type Findings, readTcpKeepaliveSeconds, unsupportedSettings } from './examine.js';
import { keyPairLeaves } from './keys.js';
import { isLoopback } from './modules/ietf-inet-types.js';
import { userFinding } from './modules/ietf-ssh-common.js';
import type { Steps } from './yang/path.js';

type Listen = NonNullable<Configuration['ietf-netconf-client:netconf-client']['listen']>;
type Endpoint = Listen['endpoints']['endpoint'][number];

interface SshListener {
  readonly name: string;
  readonly transport: 'ssh';
  readonly binds: readonly { readonly address: string; readonly port: number }[];
  /** Of the kernel: silence before it probes. Seconds. */
  readonly tcpKeepaliveSeconds: number | undefined;
  /** The collector's key for logging in to devices that call here. */
  readonly identity: KeyPair;
  /** Whom to log in as at devices that have no user of their own. */
  readonly user: string;
  readonly keepalive: KeepaliveConfig | undefined;
}

/** One place where devices call, by what carries their connections. */
export type ListenerConfig = SshListener;

export interface NmsConfig {
  readonly listeners: readonly ListenerConfig[];
  readonly api: { readonly address: string; readonly port: number };
  readonly admission: {
    readonly maxConnections: number;
    readonly maxHandshakes: number;
    readonly handshakeTimeoutSeconds: number;
  };
  /** How much is kept of connections that have ended, for each device. */
  readonly retention: { readonly days: number; readonly connections: number };
  /** From how many ends within how long a device is flapping. */
  readonly flapping: { readonly ends: number; readonly minutes: number };
  /** What is done otherwise than the file says. */
  readonly warnings: readonly string[];
}

function readListener(
  endpoint: Endpoint,
  deviceDefault: string,
  steps: Steps,
  findings: Findings,
): ListenerConfig[] {
  const { name, ssh } = endpoint;
  if (!ssh) return [];
  const { 'tcp-server-parameters': tcp, 'ssh-client-parameters': client } = ssh;
  const here = [...steps, 'ssh', 'ssh-client-parameters'];
  const tcpKeepaliveSeconds = readTcpKeepaliveSeconds(
    tcp,
    [...steps, 'ssh', 'tcp-server-parameters'],
    findings,
  );
  const identitySteps = [...here, 'client-identity', 'public-key'];
  const own = client['client-identity']['public-key'];
  if (!own) findings.error(identitySteps, 'is missing: the collector needs a key to log in with');
  const trusted = client['server-authentication']['ssh-host-keys'];
  const trustedSteps = [...here, 'server-authentication', 'ssh-host-keys'];
  if (trusted && findings.publicKeys(trusted, trustedSteps).length > 0) {
    findings.error(
      trustedSteps,
      'must refer to an empty bag: devices and their keys are added with `callhome-nms device add`',
    );
  }
  const identity = own && findings.keyPair(own, identitySteps);
  const user = readUser(endpoint, deviceDefault, steps, findings);
  if (!identity) return [];
  return [
    {
      name,
      transport: 'ssh',
      binds: tcp['local-bind'].map((bind) => ({ address: bind['local-address'], port: bind['local-port'] })),
      tcpKeepaliveSeconds,
      identity,
      user,
      keepalive: client.keepalives && {
        maxWaitSeconds: client.keepalives['max-wait'],
        maxAttempts: client.keepalives['max-attempts'],
      },
    },
  ];
}

/** Whom to log in as at devices that call at an endpoint and have no user of their own. */
function readUser({ ssh }: Endpoint, deviceDefault: string, steps: Steps, findings: Findings): string {
  const user = ssh?.['ssh-client-parameters']['client-identity'].username;
  const bad = user === undefined ? undefined : userFinding(user);
  if (bad) findings.error([...steps, 'ssh', 'ssh-client-parameters', 'client-identity', 'username'], bad);
  return user ?? deviceDefault;
}

const own = ['ietf-netconf-client:netconf-client', 'callhome-nms:nms'] as const;

/**
 * What a collector runs on, and its keys.
 * @param file what the findings call the document
 * @throws CALLHOME_CONFIG_INVALID with every error: file, path, reason
 */
function readNmsConfig(document: Document, file: string): NmsConfig {
  const findings = examine(document, file, own);
  const { config } = document;
  const listen = ['ietf-netconf-client:netconf-client', 'listen'];
  const endpoints = config['ietf-netconf-client:netconf-client'].listen?.endpoints.endpoint;
  if (!endpoints) findings.error(listen, 'is missing: no device could call');
  const steps = [...listen, 'endpoints', 'endpoint'];
  const { user: deviceDefault } = config['callhome-nms:nms']['device-defaults'];
  const bad = userFinding(deviceDefault);
  if (bad) findings.error(['callhome-nms:nms', 'device-defaults', 'user'], bad);
  const listeners = (endpoints ?? []).flatMap((endpoint, index) =>
    readListener(endpoint, deviceDefault, [...steps, index], findings),
  );
  const { api, admission, history } = config['callhome-nms:nms'];
  const { days, connections, flapping } = history;
  if (connections < flapping.ends) {
    findings.warn(
      ['callhome-nms:nms', 'history', 'flapping', 'ends'],
      `${flapping.ends} ends are never seen, for ${connections} are kept of each device: no device is ever marked`,
    );
  }
  if (!isLoopback(api.address)) {
    findings.warn(
      ['callhome-nms:nms', 'api', 'address'],
      `${api.address} is not loopback: whoever sees the traffic reads the token and all answers of devices, for the API speaks HTTP in clear text`,
    );
  }
  findings.throwErrors();
  return {
    listeners,
    api,
    admission: {
      maxConnections: admission['max-connections'],
      maxHandshakes: admission['max-handshakes'],
      handshakeTimeoutSeconds: admission['handshake-timeout'],
    },
    retention: { days, connections },
    flapping: { ends: flapping.ends, minutes: flapping.within },
    warnings: findings.warnings,
  };
}

/** Reads a collector's configuration file. @throws CALLHOME_FILE_UNREADABLE, CALLHOME_CONFIG_INVALID with every error */
export async function loadNmsConfig(file: string): Promise<NmsConfig> {
  const document = await loadDocument(file, (data) => unsupportedSettings(data, own));
  const config = readNmsConfig(document, file);
  return { ...config, warnings: [...document.warnings, ...config.warnings] };
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
      'device-defaults': { user: 'callhome' },
    },
  };
}

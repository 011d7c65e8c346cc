import { createHash } from 'node:crypto';
import { hashPassword, parseCryptHash } from '../crypt-hash/crypt-hash.js';
import { quote } from '../errors.js';
import { startProblem } from '../files.js';
import type { KeyPair } from '../ssh/key-pair.js';
import type { PublicKey } from '../ssh/public-key.js';
import type { SshServerConfig } from '../ssh/server.js';
import { serverOffer, type TransportParams } from '../ssh/transport-params.js';
import type { SshUser } from '../ssh/user-authentication.js';
import type { Configuration } from './configuration.js';
import { type Document, loadDocument } from './document.js';
import { examine, type Findings, readTcpKeepaliveSeconds, unsupportedSettings } from './examine.js';
import { findingLines } from './finding.js';
import { userFinding } from './modules/ietf-ssh-common.js';
import { parseAnchorTime } from './modules/ietf-yang-types.js';
import type { Fields } from './yang/node.js';
import type { Steps } from './yang/path.js';

type CallHome = NonNullable<Configuration['ietf-netconf-server:netconf-server']['call-home']>;
type Application = CallHome['netconf-client'][number];
type Endpoint = Application['endpoints']['endpoint'][number];
type Ssh = NonNullable<Endpoint['ssh']>;
type TcpClient = Ssh['tcp-client-parameters'];

/** A SOCKS proxy. */
export type ProxyConfig =
  | { readonly kind: 'socks4' | 'socks4a'; readonly address: string; readonly port: number }
  | {
      readonly kind: 'socks5';
      readonly address: string;
      readonly port: number;
      readonly credentials?: ProxyCredentials | undefined;
    };

/** RFC 1929: each of 1 to 255 bytes in UTF-8. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** One server of an application that is called over TCP. */
interface TcpEndpoint {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly localAddress: string | undefined;
  /** 0 is any. */
  readonly localPort: number;
  /** Of the kernel: silence before it probes. Seconds. */
  readonly tcpKeepaliveSeconds: number | undefined;
  readonly proxy: ProxyConfig | undefined;
}

interface SshEndpoint extends TcpEndpoint, SshServerConfig {
  readonly transport: 'ssh';
}

/** One server of an application, by what carries the connection. */
export type EndpointConfig = SshEndpoint;

export type ConnectionType =
  | { readonly kind: 'persistent' }
  | {
      readonly kind: 'periodic';
      readonly periodMinutes: number;
      /** Milliseconds since 1970; undefined: when the application starts. */
      readonly anchor: number | undefined;
      /** 0 is never. */
      readonly idleTimeoutSeconds: number;
    };

/** One management system that is called. */
export interface ApplicationConfig {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
  readonly connectionType: ConnectionType;
  readonly startWith: 'first-listed' | 'last-connected' | 'random-selection';
  readonly maxWaitSeconds: number;
  readonly maxAttempts: number;
  /** The same for two configurations of an application that differ in nothing, its keys and passwords included. */
  readonly fingerprint: string;
}

export interface AgentConfig {
  readonly applications: readonly ApplicationConfig[];
  readonly agent: Configuration['callhome-agent:agent'];
  /** The file's data, with its secrets. */
  readonly data: Fields;
  /** What is done otherwise than the file says. */
  readonly warnings: readonly string[];
}

type SshServer = Ssh['ssh-server-parameters'];

function readHostKeys(ssh: SshServer, here: Steps, findings: Findings): KeyPair[] {
  return ssh['server-identity']['host-key'].flatMap((key, index) => {
    const steps = [...here, 'server-identity', 'host-key', index, 'public-key'];
    return (key['public-key'] && findings.keyPair(key['public-key'], steps)) ?? [];
  });
}

function readPassword(hash: string | undefined, steps: Steps, findings: Findings): string | undefined {
  if (hash === undefined) return undefined;
  const parsed = parseCryptHash(hash);
  if (parsed.kind === 'refused') findings.error(steps, parsed.why);
  if (parsed.kind !== 'cleartext') return hash;
  findings.warn(steps, 'is in clear text: `callhome-agent convert` writes its hash');
  return hashPassword(parsed.password);
}

function readUsers(ssh: SshServer, here: Steps, findings: Findings): SshUser[] {
  const { user: users } = ssh['client-authentication'].users;
  const list = [...here, 'client-authentication', 'users', 'user'];
  if (users.length === 0) findings.error(list, 'is empty: nobody could log in');
  return users.map((user, index) => {
    const steps = [...list, index];
    const badName = userFinding(user.name);
    if (badName) findings.error([...steps, 'name'], badName);
    const keys = user['public-keys'];
    const publicKeys = keys && findings.publicKeys(keys, [...steps, 'public-keys']);
    const hash = user.password['hashed-password'];
    if (!publicKeys && hash === undefined)
      findings.error(steps, 'has neither "public-keys" nor a "password": nobody could log in as this user');
    if (publicKeys?.length === 0)
      findings.error([...steps, 'public-keys'], 'has no usable key: nobody could log in as this user');
    return {
      name: user.name,
      publicKeys,
      passwordHash: readPassword(hash, [...steps, 'password', 'hashed-password'], findings),
    };
  });
}

/** Where each list of algorithms stands in `transport-params`. */
const algorithmLists = {
  hostKey: ['host-key', 'host-key-alg'],
  keyExchange: ['key-exchange', 'key-exchange-alg'],
  encryption: ['encryption', 'encryption-alg'],
  mac: ['mac', 'mac-alg'],
} as const;

function readTransportParams(
  { 'transport-params': lists }: SshServer,
  hostKeys: readonly KeyPair[],
  here: Steps,
  findings: Findings,
): TransportParams {
  const params = {
    hostKey: lists['host-key']['host-key-alg'],
    keyExchange: lists['key-exchange']['key-exchange-alg'],
    encryption: lists.encryption['encryption-alg'],
    mac: lists.mac['mac-alg'],
  };
  // what callhome offers by itself fits every host key
  const chosen = Object.values(params).some((names) => names.length > 0);
  for (const { list, index, why } of chosen ? serverOffer(hostKeys, params).problems : []) {
    const steps = [...here, 'transport-params', ...algorithmLists[list]];
    findings.error(index === undefined ? steps : [...steps, index], why);
  }
  return params;
}

function readProxy(tcp: TcpClient, here: Steps, findings: Findings): ProxyConfig | undefined {
  const proxy = tcp['proxy-server'];
  if (!proxy) return undefined;
  const { 'socks4-parameters': v4, 'socks4a-parameters': v4a, 'socks5-parameters': v5 } = proxy;
  if (v4) return { kind: 'socks4', address: v4['remote-address'], port: v4['remote-port'] };
  if (v4a) return { kind: 'socks4a', address: v4a['remote-address'], port: v4a['remote-port'] };
  if (!v5) return undefined;
  const login = v5['authentication-parameters']?.['username-password'];
  const steps = [
    ...here,
    'proxy-server',
    'socks5-parameters',
    'authentication-parameters',
    'username-password',
  ];
  const bounded = (name: string, text: string): string => {
    const length = Buffer.byteLength(text);
    // RFC 1929 §2 has one byte for the length
    if (length === 0 || length > 255)
      findings.error([...steps, name], 'must have from 1 to 255 bytes of UTF-8');
    return text;
  };
  const credentials = login && {
    username: bounded('username', login.username),
    password: bounded('cleartext-password', login['cleartext-password'] ?? ''),
  };
  return { kind: 'socks5', address: v5['remote-address'], port: v5['remote-port'], credentials };
}

function readEndpoint({ name, ssh }: Endpoint, steps: Steps, findings: Findings): EndpointConfig[] {
  if (!ssh) return [];
  const { 'tcp-client-parameters': tcp, 'ssh-server-parameters': server } = ssh;
  const tcpSteps = [...steps, 'ssh', 'tcp-client-parameters'];
  const here = [...steps, 'ssh', 'ssh-server-parameters'];
  const hostKeys = readHostKeys(server, here, findings);
  return [
    {
      name,
      address: tcp['remote-address'],
      port: tcp['remote-port'],
      localAddress: tcp['local-address'],
      localPort: tcp['local-port'],
      tcpKeepaliveSeconds: readTcpKeepaliveSeconds(tcp, tcpSteps, findings),
      proxy: readProxy(tcp, tcpSteps, findings),
      transport: 'ssh',
      hostKeys,
      users: readUsers(server, here, findings),
      transportParams: readTransportParams(server, hostKeys, here, findings),
      keepalive: server.keepalives && {
        maxWaitSeconds: server.keepalives['max-wait'],
        maxAttempts: server.keepalives['max-attempts'],
      },
    },
  ];
}

function readConnectionType(
  { periodic }: Application['connection-type'],
  steps: Steps,
  findings: Findings,
): ConnectionType {
  if (!periodic) return { kind: 'persistent' };
  const text = periodic['anchor-time'];
  const anchor = text === undefined ? { time: undefined } : parseAnchorTime(text);
  if ('error' in anchor) findings.error([...steps, 'periodic', 'anchor-time'], anchor.error);
  return {
    kind: 'periodic',
    periodMinutes: periodic.period,
    anchor: 'time' in anchor ? anchor.time : undefined,
    idleTimeoutSeconds: periodic['idle-timeout'],
  };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** By the keys of a bag, or of one user: many may refer to the same ones. */
const digests = new WeakMap<readonly PublicKey[], string>();

function digestOfKeys(keys: readonly PublicKey[]): string {
  const digest =
    digests.get(keys) ?? digestOf(JSON.stringify(keys.map(({ blob }) => blob.toString('base64'))));
  digests.set(keys, digest);
  return digest;
}

/** What an application is, beyond what its own entry says: the keys that it refers to. */
function fingerprintOf(application: Application, endpoints: readonly EndpointConfig[]): string {
  const keys = endpoints.map(({ hostKeys, users }) => [
    hostKeys.map(({ publicKey }) => publicKey.blob.toString('base64')),
    users.map(({ publicKeys }) => publicKeys && digestOfKeys(publicKeys)),
  ]);
  return digestOf(JSON.stringify([application, keys]));
}

function readApplication(application: Application, steps: Steps, findings: Findings): ApplicationConfig {
  const strategy = application['reconnect-strategy'];
  const endpoints = application.endpoints.endpoint.flatMap((endpoint, index) =>
    readEndpoint(endpoint, [...steps, 'endpoints', 'endpoint', index], findings),
  );
  return {
    name: application.name,
    endpoints,
    connectionType: readConnectionType(
      application['connection-type'],
      [...steps, 'connection-type'],
      findings,
    ),
    startWith: strategy['start-with'],
    maxWaitSeconds: strategy['max-wait'],
    maxAttempts: strategy['max-attempts'],
    fingerprint: fingerprintOf(application, endpoints),
  };
}

/** What the agent has of the model besides the keystore and the truststore. */
export const agentMembers = ['ietf-netconf-server:netconf-server', 'callhome-agent:agent'] as const;

/**
 * What an agent runs on, and its keys.
 * @param file what the findings call the document
 * @throws CALLHOME_CONFIG_INVALID with every error: file, path, reason
 */
function readAgentConfig(document: Document, file: string): AgentConfig {
  const findings = examine(document, file, agentMembers);
  const { data, config } = document;
  const callHome = ['ietf-netconf-server:netconf-server', 'call-home'];
  const clients = config['ietf-netconf-server:netconf-server']['call-home']?.['netconf-client'];
  const together =
    data['ietf-netconf-server:netconf-server'] === undefined
      ? '; keystore, truststore and netconf-server are one file'
      : '';
  if (!clients) findings.error(callHome, `is missing: there is nobody to call${together}`);
  const applications = (clients ?? []).map((client, index) =>
    readApplication(client, [...callHome, 'netconf-client', index], findings),
  );
  findings.throwErrors();
  return { applications, agent: config['callhome-agent:agent'], data, warnings: findings.warnings };
}

/** Whether the backend's program is there: a look at the file system, which may be another one when it is needed. */
async function lookAtProgram({ agent, data }: AgentConfig, file: string): Promise<string[]> {
  const program = agent.backend.command?.program;
  const why = program === undefined ? undefined : await startProblem(program);
  if (program === undefined || why === undefined) return [];
  const steps = ['callhome-agent:agent', 'backend', 'command', 'program'];
  const text = `${quote(program)} cannot be started by this user now: ${why}`;
  return findingLines(file, data, [{ steps, text }]);
}

/** Reads an agent's configuration file. @throws CALLHOME_FILE_UNREADABLE, CALLHOME_CONFIG_INVALID with every error */
export async function loadAgentConfig(file: string): Promise<AgentConfig> {
  const document = await loadDocument(file, (data) => unsupportedSettings(data, agentMembers));
  const config = readAgentConfig(document, file);
  const program = await lookAtProgram(config, file);
  return { ...config, warnings: [...document.warnings, ...config.warnings, ...program] };
}

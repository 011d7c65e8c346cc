import type { KeyPair } from '../ssh/key-pair.js';
import type { PublicKey } from '../ssh/public-key.js';
import type { Configuration } from './configuration.js';
import { type Document, loadDocument } from './document.js';
import { examine, type Findings } from './findings.js';
import { userProblem } from './ietf-ssh-common.js';
import type { Fields } from './yang/node.js';
import type { Steps } from './yang/path.js';

type CallHome = NonNullable<Configuration['ietf-netconf-server:netconf-server']['call-home']>;
type Application = CallHome['netconf-client'][number];
type Endpoint = Application['endpoints']['endpoint'][number];
type SshEndpoint = NonNullable<Endpoint['ssh']>;

/** When SSH probes a silent peer. Seconds. */
export interface Keepalive {
  readonly maxWait: number;
  readonly maxAttempts: number;
}

/**
 * Who may log in to an endpoint: by each method that is configured, so by both where there are keys and a password, and
 * never where there is neither.
 */
export interface UserConfig {
  readonly name: string;
  /** Any one of them; absent or empty where the user has no `public-keys`. */
  readonly publicKeys?: readonly PublicKey[] | undefined;
  /** A crypt-hash (RFC 7317). Secret. */
  readonly passwordHash?: string | undefined;
}

/** One server of an application. */
export interface EndpointConfig {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly hostKeys: readonly KeyPair[];
  readonly users: readonly UserConfig[];
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
  readonly agent: Configuration['callhome-agent:agent'];
  /** The file's data, with its secrets. */
  readonly data: Fields;
}

function readHostKeys(ssh: SshEndpoint['ssh-server-parameters'], here: Steps, findings: Findings): KeyPair[] {
  return ssh['server-identity']['host-key'].flatMap((key, index) => {
    const steps = [...here, 'server-identity', 'host-key', index, 'public-key'];
    return (key['public-key'] && findings.keyPair(key['public-key'], steps)) ?? [];
  });
}

function readUsers(
  ssh: SshEndpoint['ssh-server-parameters'],
  here: Steps,
  findings: Findings,
): EndpointConfig['users'] {
  const { user: users } = ssh['client-authentication'].users;
  const list = [...here, 'client-authentication', 'users', 'user'];
  if (users.length === 0) findings.add(list, 'is empty: nobody could log in');
  return users.map((user, index) => {
    const steps = [...list, index];
    const badName = userProblem(user.name);
    if (badName) findings.add([...steps, 'name'], badName);
    if (!user['public-keys']) findings.add(steps, 'has no "public-keys": nobody could log in as this user');
    const publicKeys = user['public-keys']
      ? findings.publicKeys(user['public-keys'], [...steps, 'public-keys'])
      : [];
    return { name: user.name, publicKeys };
  });
}

function readEndpoint({ name, ssh }: Endpoint, steps: Steps, findings: Findings): EndpointConfig[] {
  if (!ssh) return [];
  const { 'tcp-client-parameters': tcp, 'ssh-server-parameters': server } = ssh;
  const here = [...steps, 'ssh', 'ssh-server-parameters'];
  return [
    {
      name,
      address: tcp['remote-address'],
      port: tcp['remote-port'],
      hostKeys: readHostKeys(server, here, findings),
      users: readUsers(server, here, findings),
      keepalive: server.keepalives && {
        maxWait: server.keepalives['max-wait'],
        maxAttempts: server.keepalives['max-attempts'],
      },
    },
  ];
}

function readApplication(application: Application, steps: Steps, findings: Findings): ApplicationConfig {
  const { endpoint: endpoints } = application.endpoints;
  const strategy = application['reconnect-strategy'];
  const startWith = strategy['start-with'];
  return {
    name: application.name,
    endpoints: endpoints.flatMap((endpoint, index) =>
      readEndpoint(endpoint, [...steps, 'endpoints', 'endpoint', index], findings),
    ),
    // another one has been refused
    startWith: startWith === 'last-connected' ? startWith : 'first-listed',
    maxWait: strategy['max-wait'],
    maxAttempts: strategy['max-attempts'],
  };
}

/**
 * What an agent runs on, and its keys.
 * @param file what the problems call the document
 * @throws CALLHOME_CONFIG_INVALID with every problem: file, path, reason
 */
function readAgentConfig(document: Document, file: string): AgentConfig {
  const findings = examine(document, file, ['ietf-netconf-server:netconf-server', 'callhome-agent:agent']);
  const { data, config } = document;
  const callHome = ['ietf-netconf-server:netconf-server', 'call-home'];
  const clients = config['ietf-netconf-server:netconf-server']['call-home']?.['netconf-client'];
  if (!clients) findings.add(callHome, 'is missing: there is nobody to call');
  const applications = (clients ?? []).map((client, index) =>
    readApplication(client, [...callHome, 'netconf-client', index], findings),
  );
  findings.throwAny();
  return { applications, agent: config['callhome-agent:agent'], data };
}

/** Reads an agent's configuration file. @throws CALLHOME_FILE_UNREADABLE, CALLHOME_CONFIG_INVALID with every problem */
export async function loadAgentConfig(file: string): Promise<AgentConfig> {
  return readAgentConfig(await loadDocument(file), file);
}

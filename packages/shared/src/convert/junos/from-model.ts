import { z } from 'zod';
import { keyPredicate } from '../../config/yang/path.js';
import { CallhomeError, peerText, quote } from '../../errors.js';
import type { Loss } from '../loss.js';
import { type OutboundSshClient, type OutboundSshServer, reservedWords } from './outbound-ssh.js';

const keepalives = z.looseObject({
  'max-wait': z.int().default(30),
  'max-attempts': z.int().default(3),
});

/** What of the model a stanza can hold; whatever else is there stays in the objects, to be told. */
const applications = z.array(
  z.looseObject({
    name: z.string(),
    endpoints: z.looseObject({
      endpoint: z.array(
        z.looseObject({
          name: z.string(),
          ssh: z
            .looseObject({
              'tcp-client-parameters': z.looseObject({
                'remote-address': z.string(),
                'remote-port': z.int().default(4334),
              }),
              'ssh-server-parameters': z.looseObject({ keepalives: keepalives.optional() }),
              'netconf-server-parameters': z.looseObject({}).default({}),
            })
            .optional(),
        }),
      ),
    }),
    'connection-type': z.looseObject({ persistent: z.looseObject({}).optional() }),
    'reconnect-strategy': z
      .looseObject({
        'start-with': z.string().optional(),
        'max-wait': z.int().default(5),
        'max-attempts': z.int().default(3),
      })
      .prefault({}),
    'callhome-agent:outbound-ssh': z
      .looseObject({ 'device-id': z.string(), secret: z.string().optional() })
      .optional(),
  }),
);

type Application = z.infer<typeof applications>[number];
type Endpoint = Application['endpoints']['endpoint'][number];
type Lose = (path: string, text: string) => void;

const noPlace = 'has no place in a Junos configuration';

/** Tells of every member but the known ones. */
function loseOthers(node: object, path: string, known: readonly string[], lose: Lose): void {
  for (const member of Object.keys(node)) {
    if (!known.includes(member)) lose(`${path}/${peerText(member)}`, noPlace);
  }
}

function isUnusable(text: string): boolean {
  return text === '' || /\p{Cc}/u.test(text);
}

function serverOf(
  endpoint: Endpoint,
  strategy: Application['reconnect-strategy'],
  path: string,
  taken: ReadonlySet<string>,
  lose: Lose,
): OutboundSshServer | undefined {
  if (!endpoint.ssh) {
    lose(path, `${noPlace}: it is not over SSH, and is left out`);
    return undefined;
  }
  const { 'tcp-client-parameters': tcp, 'ssh-server-parameters': ssh } = endpoint.ssh;
  const { 'remote-address': address, 'remote-port': port } = tcp;
  const tcpPath = `${path}/ssh/tcp-client-parameters`;
  if (reservedWords.has(address) || isUnusable(address)) {
    lose(`${tcpPath}/remote-address`, 'Junos would not take this for a server: the endpoint is left out');
    return undefined;
  }
  if (taken.has(address)) {
    lose(`${tcpPath}/remote-address`, 'Junos has each address once: the endpoint is left out');
    return undefined;
  }
  if (port === 0) {
    lose(`${tcpPath}/remote-port`, 'Junos has no port 0: the endpoint is left out');
    return undefined;
  }
  if (endpoint.name !== address) lose(`${path}/name`, 'Junos names servers by their addresses');
  loseOthers(endpoint, path, ['name', 'ssh'], lose);
  loseOthers(
    endpoint.ssh,
    `${path}/ssh`,
    ['tcp-client-parameters', 'ssh-server-parameters', 'netconf-server-parameters'],
    lose,
  );
  loseOthers(tcp, tcpPath, ['remote-address', 'remote-port'], lose);
  const known = ['server-identity', 'client-authentication', 'keepalives'];
  loseOthers(ssh, `${path}/ssh/ssh-server-parameters`, known, lose);
  loseOthers(endpoint.ssh['netconf-server-parameters'], `${path}/ssh/netconf-server-parameters`, [], lose);
  return { address, port, retry: strategy['max-attempts'], timeout: strategy['max-wait'] };
}

/** Junos has one for all servers: the first that there is. */
function keepAliveOf(
  endpoints: readonly { readonly endpoint: Endpoint; readonly path: string }[],
  lose: Lose,
): OutboundSshClient['keepAlive'] {
  const of = (endpoint: Endpoint) => endpoint.ssh?.['ssh-server-parameters'].keepalives;
  const first = endpoints.map(({ endpoint }) => of(endpoint)).find((one) => one !== undefined);
  if (!first) return undefined;
  for (const { endpoint, path } of endpoints) {
    const own = of(endpoint);
    const here = `${path}/ssh/ssh-server-parameters/keepalives`;
    if (own) loseOthers(own, here, ['max-wait', 'max-attempts'], lose);
    if (own?.['max-wait'] === first['max-wait'] && own['max-attempts'] === first['max-attempts']) continue;
    lose(
      here,
      `${own ? 'differs from that of other endpoints' : 'is missing here and not at other endpoints'}; Junos has one for all: ${first['max-wait']} s, ${first['max-attempts']} attempts`,
    );
  }
  return { retry: first['max-attempts'], timeout: first['max-wait'] };
}

function strategyOf(
  startWith: string | undefined,
  path: string,
  lose: Lose,
): OutboundSshClient['reconnectStrategy'] {
  if (startWith === 'last-connected') return 'sticky';
  if (startWith === 'first-listed') return 'in-order';
  if (startWith !== undefined) lose(path, `${peerText(startWith)} ${noPlace}`);
  return undefined;
}

function clientFromModel(application: Application, path: string, lose: Lose): OutboundSshClient | undefined {
  const { name, 'reconnect-strategy': strategy, 'callhome-agent:outbound-ssh': outboundSsh } = application;
  if (isUnusable(name)) {
    lose(`${path}/name`, 'Junos cannot have this name: the application is left out');
    return undefined;
  }
  const taken = new Set<string>();
  const servers: OutboundSshServer[] = [];
  const kept: { endpoint: Endpoint; path: string }[] = [];
  for (const endpoint of application.endpoints.endpoint) {
    const here = `${path}/endpoints/endpoint${keyPredicate(endpoint.name)}`;
    const server = serverOf(endpoint, strategy, here, taken, lose);
    if (!server) continue;
    taken.add(server.address);
    servers.push(server);
    kept.push({ endpoint, path: here });
  }
  if (servers.length === 0) {
    lose(`${path}/endpoints`, 'no endpoint is left: the application is left out');
    return undefined;
  }
  const members = [
    'name',
    'endpoints',
    'connection-type',
    'reconnect-strategy',
    'callhome-agent:outbound-ssh',
  ];
  loseOthers(application, path, members, lose);
  loseOthers(application.endpoints, `${path}/endpoints`, ['endpoint'], lose);
  loseOthers(application['connection-type'], `${path}/connection-type`, ['persistent'], lose);
  loseOthers(application['connection-type'].persistent ?? {}, `${path}/connection-type/persistent`, [], lose);
  const strategyPath = `${path}/reconnect-strategy`;
  loseOthers(strategy, strategyPath, ['start-with', 'max-wait', 'max-attempts'], lose);
  const outboundSshPath = `${path}/callhome-agent:outbound-ssh`;
  if (outboundSsh) loseOthers(outboundSsh, outboundSshPath, ['device-id', 'secret'], lose);
  const usable = (leaf: 'device-id' | 'secret') => {
    const value = outboundSsh?.[leaf];
    if (value === undefined || !isUnusable(value)) return value;
    lose(`${outboundSshPath}/${leaf}`, 'Junos cannot have this value: it is left out');
    return undefined;
  };
  return {
    name,
    deviceId: usable('device-id'),
    secret: usable('secret'),
    keepAlive: keepAliveOf(kept, lose),
    reconnectStrategy: strategyOf(strategy['start-with'], `${strategyPath}/start-with`, lose),
    services: ['netconf'],
    servers,
  };
}

/**
 * The model's call-home applications as Junos's clients.
 * @param list the data of the list `netconf-client`, valid against the model
 * @throws CALLHOME_CONFIG_INVALID where it is not
 */
export function junosFromModel(list: unknown): {
  clients: OutboundSshClient[];
  losses: Loss[];
  /** What Junos keeps elsewhere, or wants besides. */
  notes: string[];
} {
  const base = '/ietf-netconf-server:netconf-server/call-home/netconf-client';
  const parsed = applications.safeParse(list);
  if (!parsed.success) {
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', {
      problems: parsed.error.issues.map(({ path, message }) => `${base}/${path.join('/')}: ${message}`),
    });
  }
  const losses: Loss[] = [];
  const lose: Lose = (path, text) => void losses.push({ path, text });
  const clients = parsed.data.flatMap(
    (application) => clientFromModel(application, `${base}${keyPredicate(application.name)}`, lose) ?? [],
  );
  const notes = clients
    .filter(({ deviceId }) => deviceId === undefined)
    .map(({ name }) => `client ${quote(name)} has no device-id, which Junos requires`);
  if (clients.length > 0)
    notes.push(
      "host keys, users and the agent's own settings are not part of outbound-ssh: Junos keeps them elsewhere",
    );
  return { clients, losses, notes };
}

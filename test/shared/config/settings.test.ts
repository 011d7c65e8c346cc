import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { members } from '@callhome/shared/config/configuration.js';
import { keyPairLeaves, publicKeyLeaves } from '@callhome/shared/config/keys.js';
import { loadNmsConfig, newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { nodeOf, type Shape } from '@callhome/shared/config/yang/node.js';
import { hashPassword } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolder, removeFolder } from '../../programs/folder.js';

// No setting is accepted and ignored: here is each one that no node of the schema refuses, and what comes of it.

const key = generateKeyPair();
const otherKey = generateKeyPair();
const privateKeys = [key, otherKey].map((pair) => keyPairLeaves(pair)['cleartext-private-key']);
const publicKeys = [key, otherKey].map((pair) => publicKeyLeaves(pair.publicKey)['public-key']);
const keyPair = keyPairLeaves(key);
const unstated = { ...keyPair, 'public-key': undefined, 'public-key-format': undefined };
const trusted = { name: 'key', ...publicKeyLeaves(key.publicKey) };

/** A setting, what it does, two values that make a difference, and what has to be beside it. */
type Effect = readonly [path: string, does: string, one: unknown, other: unknown, beside?: object];
/** A setting that makes no difference, and why that is right. */
type Inert = readonly [path: string, why: string];

const client = 'ietf-netconf-server:netconf-server/call-home/netconf-client';
const tcp = `${client}/endpoints/endpoint/ssh/tcp-client-parameters`;
const socks4 = `${tcp}/proxy-server/socks4-parameters`;
const socks4a = `${tcp}/proxy-server/socks4a-parameters`;
const socks5 = `${tcp}/proxy-server/socks5-parameters`;
const login = `${socks5}/authentication-parameters/username-password`;
const server = `${client}/endpoints/endpoint/ssh/ssh-server-parameters`;
const hostKey = `${server}/server-identity/host-key`;
const user = `${server}/client-authentication/users/user`;
const offer = `${server}/transport-params`;
const periodic = `${client}/connection-type/periodic`;
const agent = 'callhome-agent:agent';
const keys = 'ietf-keystore:keystore/asymmetric-keys/asymmetric-key';
const bag = 'ietf-truststore:truststore/public-key-bags/public-key-bag';
const proxy = { 'remote-address': '192.0.2.80' };
const program = { program: '/bin/true' };

const ofAgent: readonly Effect[] = [
  ['ietf-netconf-server:netconf-server/call-home', 'whom to call', undefined, { 'netconf-client': [] }],
  [`${client}/name`, 'the application, in the log and the status', 'a', 'b'],
  [`${client}/endpoints/endpoint/name`, 'the endpoint, in the log and the status', 'a', 'b'],
  [`${tcp}/remote-address`, 'what is dialled', 'a.example', 'b.example'],
  [`${tcp}/remote-port`, 'what is dialled', 1, 2],
  [`${tcp}/local-address`, 'what is dialled from', '192.0.2.1', '192.0.2.2'],
  [`${tcp}/local-port`, 'what is dialled from', 1, 2],
  [`${tcp}/proxy-server`, 'what is dialled through', undefined, { 'socks4-parameters': proxy }],
  [`${socks4}/remote-address`, 'the proxy', '192.0.2.1', '192.0.2.2'],
  [`${socks4}/remote-port`, 'the proxy', 1, 2, proxy],
  [`${socks4a}/remote-address`, 'the proxy', '192.0.2.1', '192.0.2.2'],
  [`${socks4a}/remote-port`, 'the proxy', 1, 2, proxy],
  [`${socks5}/remote-address`, 'the proxy', '192.0.2.1', '192.0.2.2'],
  [`${socks5}/remote-port`, 'the proxy', 1, 2, proxy],
  [
    `${socks5}/authentication-parameters`,
    'the login at the proxy',
    undefined,
    { 'username-password': { username: 'u', 'cleartext-password': 'p' } },
    proxy,
  ],
  [`${login}/username`, 'the login at the proxy', 'a', 'b'],
  [`${login}/cleartext-password`, 'the login at the proxy', 'a', 'b'],
  [`${tcp}/keepalives`, 'whether the kernel probes', undefined, {}],
  [`${tcp}/keepalives/idle-time`, 'when the kernel probes', 1, 2],
  [
    `${hostKey}/public-key/inline-definition/cleartext-private-key`,
    'a host key',
    ...two(privateKeys),
    unstated,
  ],
  [`${hostKey}/public-key/central-keystore-reference`, 'a host key', 'host-key', 'other'],
  [`${user}/name`, 'who may log in', 'a', 'b'],
  [`${user}/public-keys`, 'how', undefined, { 'central-truststore-reference': 'nms' }, password()],
  [
    `${user}/public-keys/inline-definition/public-key/public-key`,
    'with which keys',
    ...two(publicKeys),
    trusted,
  ],
  [`${user}/public-keys/central-truststore-reference`, 'with which keys', 'nms', 'other'],
  [`${user}/password/hashed-password`, 'with which password', hashPassword('a'), hashPassword('b')],
  [`${offer}/host-key/host-key-alg`, 'what is offered', [], ['ssh-ed25519']],
  [`${offer}/key-exchange/key-exchange-alg`, 'what is offered', [], ['curve25519-sha256']],
  [`${offer}/encryption/encryption-alg`, 'what is offered', [], ['aes256-ctr']],
  [`${offer}/mac/mac-alg`, 'what is offered', [], ['hmac-sha2-256']],
  [`${server}/keepalives`, 'whether SSH probes', undefined, {}],
  [`${server}/keepalives/max-wait`, 'when SSH probes', 1, 2],
  [`${server}/keepalives/max-attempts`, 'how often', 1, 2],
  [`${client}/connection-type/persistent`, 'how long it stays connected', {}, undefined, { periodic: {} }],
  [periodic, 'how long it stays connected', {}, undefined, { persistent: {} }],
  [`${periodic}/period`, 'when it calls', 1, 2],
  [`${periodic}/anchor-time`, 'when it calls', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
  [`${periodic}/idle-timeout`, 'when it hangs up', 1, 2],
  [`${client}/reconnect-strategy/start-with`, 'where it begins', 'first-listed', 'last-connected'],
  [`${client}/reconnect-strategy/max-wait`, 'how long it dials', 1, 2],
  [`${client}/reconnect-strategy/max-attempts`, 'how often', 1, 2],
  [`${agent}/backend/embedded`, 'what answers', {}, undefined, { command: program }],
  [`${agent}/backend/command`, 'what answers', program, undefined],
  [`${agent}/backend/command/program`, 'what answers', '/bin/true', '/bin/false'],
  [`${agent}/backend/command/argument/position`, 'their order', 1, 10],
  [`${agent}/backend/command/argument/value`, 'what it is told', 'a', 'b'],
  [`${agent}/backend/command/environment/shown-server-port`, 'what it is told', 1, 2],
  [`${agent}/backoff-cap`, 'the longest pause', 1, 2],
  [`${agent}/handshake-timeout`, 'the limit of an attempt', 1, 2],
  [`${agent}/max-sessions`, 'the limit of a connection', 1, 2],
  [`${agent}/session-linger`, 'the wait for another session', 1, 2],
  [`${keys}/cleartext-private-key`, 'the keys that are referred to', ...two(privateKeys), unstated],
  [`${bag}/public-key/public-key`, 'the keys that are referred to', ...two(publicKeys)],
];

const listen = 'ietf-netconf-client:netconf-client/listen';
const accepted = `${listen}/endpoints/endpoint/ssh/tcp-server-parameters`;
const ssh = `${listen}/endpoints/endpoint/ssh/ssh-client-parameters`;
const identity = `${ssh}/client-identity`;
const known = `${ssh}/server-authentication/ssh-host-keys`;
const nms = 'callhome-nms:nms';

const ofCollector: readonly Effect[] = [
  [listen, 'where devices call', undefined, { endpoints: { endpoint: [] } }],
  [`${listen}/idle-timeout`, 'must be 0, which is what is done', 0, 1],
  [`${listen}/endpoints/endpoint/name`, 'the listener, in the log', 'a', 'b'],
  [`${accepted}/local-bind/local-address`, 'where it listens', '192.0.2.1', '192.0.2.2'],
  [`${accepted}/local-bind/local-port`, 'where it listens', 1, 2],
  [`${accepted}/keepalives`, 'whether the kernel probes', undefined, {}],
  [`${accepted}/keepalives/idle-time`, 'when the kernel probes', 1, 2],
  [`${identity}/username`, 'the user to log in as', 'a', 'b'],
  [`${identity}/public-key`, 'the key to log in with', undefined, { 'central-keystore-reference': 'other' }],
  [
    `${identity}/public-key/inline-definition/cleartext-private-key`,
    'the key to log in with',
    ...two(privateKeys),
    unstated,
  ],
  [`${identity}/public-key/central-keystore-reference`, 'the key to log in with', 'collector', 'other'],
  [`${ssh}/keepalives`, 'whether SSH probes', undefined, {}],
  [`${ssh}/keepalives/max-wait`, 'when SSH probes', 1, 2],
  [`${ssh}/keepalives/max-attempts`, 'how often', 1, 2],
  [`${nms}/api/address`, 'where the API listens', '127.0.0.1', '127.0.0.2'],
  [`${nms}/api/port`, 'where the API listens', 1, 2],
  [`${nms}/admission/max-connections`, 'the limit of all', 1, 2],
  [`${nms}/admission/max-handshakes`, 'the limit of those that are not known yet', 1, 2],
  [`${nms}/admission/handshake-timeout`, 'the limit of an attempt', 1, 2],
  [`${nms}/device-defaults/user`, 'the user to log in as', 'a', 'b'],
  [`${nms}/history/days`, 'how long past connections are kept', 1, 2],
  [`${nms}/history/connections`, 'how many of them', 10, 20],
  [`${nms}/history/flapping/ends`, 'from how many ends on a device is marked', 2, 3],
  [`${nms}/history/flapping/within`, 'how far back they count', 1, 2],
];

const named = 'a name, which others refer to or which tells entries apart';
const format = 'how the key beside it is read';
const stated = 'compared with the private key: it has to belong to it';
const unused = 'nothing can refer to it but TLS, which is refused';
const trust = 'must not be there: the registry has the keys of devices';
const inert: readonly Inert[] = [
  [`${tcp}/keepalives/max-probes`, 'told as a warning'],
  [`${tcp}/keepalives/probe-interval`, 'told as a warning'],
  [`${accepted}/keepalives/max-probes`, 'told as a warning'],
  [`${accepted}/keepalives/probe-interval`, 'told as a warning'],
  [`${hostKey}/name`, named],
  [`${user}/public-keys/inline-definition/public-key/name`, named],
  [`${user}/public-keys/inline-definition/public-key/public-key-format`, format],
  ...[`${hostKey}/public-key/inline-definition`, `${identity}/public-key/inline-definition`, keys].flatMap(
    (pair): Inert[] => [
      [`${pair}/public-key-format`, stated],
      [`${pair}/public-key`, stated],
      [`${pair}/private-key-format`, format],
    ],
  ),
  [`${keys}/name`, named],
  [`${keys}/certificates/certificate/name`, unused],
  [`${keys}/certificates/certificate/cert-data`, unused],
  ['ietf-keystore:keystore/symmetric-keys/symmetric-key/name', unused],
  ['ietf-keystore:keystore/symmetric-keys/symmetric-key/key-format', unused],
  ['ietf-keystore:keystore/symmetric-keys/symmetric-key/cleartext-symmetric-key', unused],
  ['ietf-truststore:truststore/certificate-bags/certificate-bag/name', unused],
  ['ietf-truststore:truststore/certificate-bags/certificate-bag/description', 'for people'],
  ['ietf-truststore:truststore/certificate-bags/certificate-bag/certificate/name', unused],
  ['ietf-truststore:truststore/certificate-bags/certificate-bag/certificate/cert-data', unused],
  [`${bag}/name`, named],
  [`${bag}/description`, 'for people'],
  [`${bag}/public-key/name`, named],
  [`${bag}/public-key/public-key-format`, format],
  [known, 'the schema asks for it'],
  [`${known}/inline-definition/public-key/name`, trust],
  [`${known}/inline-definition/public-key/public-key`, trust],
  [`${known}/inline-definition/public-key/public-key-format`, trust],
  [`${known}/central-truststore-reference`, 'must name an empty bag'],
  [`${listen}/endpoints/endpoint/ssh/netconf-client-parameters`, 'there is nothing in it'],
];

function two<T>([one, other]: readonly T[]): [T | undefined, T | undefined] {
  return [one, other];
}

function password() {
  return { password: { 'hashed-password': hashPassword('a') } };
}

/** All that a file can say and no node refuses: leaves, containers with presence, and empty ones. */
function settings(shape: Shape, prefix = ''): string[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const node = nodeOf(schema);
    const here = `${prefix}${name}`;
    if (node.kind === 'absent' || typeof node.facts.refused === 'string') return [];
    if (!('shape' in node)) return [here];
    const inner = settings(node.shape, `${here}/`);
    const says = node.kind === 'container' && (node.presence || Object.keys(node.shape).length === 0);
    return says ? [here, ...inner] : inner;
  });
}

type Json = Record<string, unknown>;

/** Sets a member in the first entry of each list; what has to go for it goes. */
function withSetting(document: unknown, place: string, value: unknown, beside: object = {}): Json {
  const copy: Json = structuredClone(document) as Json;
  let at = copy;
  let shape: Shape = members;
  const names = place.split('/');
  for (const [index, name] of names.entries()) {
    const schema = shape[name];
    if (!schema) throw new Error(`there is no ${place}`);
    const node = nodeOf(schema);
    for (const other of node.choice?.cases ?? []) if (other !== name) delete at[other];
    if (index === names.length - 1) {
      Object.assign(at, beside);
      at[name] = value;
      // a case that comes beside it is there instead of it
      for (const other of node.choice?.cases ?? [])
        if (value !== undefined && other !== name) delete at[other];
      break;
    }
    at[name] ??= node.kind === 'list' ? [{}] : {};
    const next = at[name];
    at = (Array.isArray(next) ? next[0] : next) as Json;
    shape = 'shape' in node ? node.shape : {};
  }
  return copy;
}

let folder = '';
beforeAll(async () => {
  folder = await createFolder('settings');
});
afterAll(() => removeFolder(folder));

const spare = { name: 'other', ...keyPairLeaves(otherKey) };
const bags = [
  { name: 'nms', 'public-key': [trusted] },
  { name: 'other', 'public-key': [{ name: 'key', ...publicKeyLeaves(otherKey.publicKey) }] },
];

function stores(name: string): Json {
  return {
    'ietf-keystore:keystore': { 'asymmetric-keys': { 'asymmetric-key': [{ name, ...keyPair }, spare] } },
    'ietf-truststore:truststore': { 'public-key-bags': { 'public-key-bag': [...bags, { name: 'devices' }] } },
  };
}

const endpoints = [{ address: 'nms.example.net', port: 4334 }];
const binds = [{ address: '192.0.2.9', port: 4334 }];
const agentDocument = {
  ...newAgentDocument({ endpoints, hostKey: key, user: 'callhome', userKeys: [key.publicKey] }),
  ...stores('host-key'),
  [agent]: {
    backend: {
      command: {
        ...program,
        argument: [
          { position: 0, value: '' },
          { position: 9, value: 'y' },
        ],
      },
    },
  },
};
const programs = {
  agent: {
    load: loadAgentConfig,
    document: withSetting(agentDocument, `${tcp}/proxy-server`, {
      'socks5-parameters': {
        ...proxy,
        'authentication-parameters': { 'username-password': { username: 'u', 'cleartext-password': 'p' } },
      },
    }),
  },
  nms: {
    load: loadNmsConfig,
    document: { ...Object(newNmsDocument({ identity: key, binds, apiPort: 8334 })), ...stores('collector') },
  },
};

/** All that the program runs on, or why it does not run. */
async function view(program: keyof typeof programs, document: Json): Promise<string> {
  const file = path.join(folder, `${program}.json`);
  await writeFile(file, JSON.stringify(document));
  try {
    const { data, warnings, ...config } = { data: undefined, ...(await programs[program].load(file)) };
    return JSON.stringify(config, (name, value) => (name === 'fingerprint' ? undefined : value));
  } catch (error) {
    return String(error);
  }
}

const effects = [
  ...ofAgent.map((effect) => ['agent', effect] as const),
  ...ofCollector.map((effect) => ['nms', effect] as const),
];

describe('every setting that is not refused', () => {
  test('is in a list here: it takes effect, or there is a reason', () => {
    const listed = [...ofAgent, ...ofCollector, ...inert].map(([place]) => place);
    expect(listed.toSorted()).toEqual(settings(members).toSorted());
  });

  test.each(['agent', 'nms'] as const)('is in a document that the %s runs on', async (program) => {
    expect(await view(program, programs[program].document)).not.toContain('Error');
  });

  test.each(effects.map(([program, effect]) => [effect[0], effect[1], program, effect] as const))(
    '%s: %s',
    async (_place, _does, program, effect) => {
      const [place, , one, other, beside] = effect;
      const { document } = programs[program];
      expect(await view(program, withSetting(document, place, one, beside))).not.toBe(
        await view(program, withSetting(document, place, other, beside)),
      );
    },
  );
});

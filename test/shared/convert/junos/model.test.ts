import { junosFromModel } from '@callhome/shared/convert/junos/from-model.js';
import type { OutboundSshClient } from '@callhome/shared/convert/junos/outbound-ssh.js';
import { junosToModel } from '@callhome/shared/convert/junos/to-model.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyClients } from './clients.js';

const references = { hostKey: 'host-key', user: 'callhome', trusted: 'nms' };
const server = { address: '192.0.2.1', port: 7804, retry: 3, timeout: 15, line: 5 };
const client: OutboundSshClient = {
  name: 'NMS',
  line: 2,
  deviceId: 'ex1',
  secret: 'password',
  keepAlive: { retry: 12, timeout: 5 },
  reconnectStrategy: 'sticky',
  services: ['netconf'],
  servers: [server, { ...server, address: 'nms.example.net', port: 22, line: 6 }],
};

const endpoint = (address: string, port: number) => ({
  name: address,
  ssh: {
    'tcp-client-parameters': { 'remote-address': address, 'remote-port': port },
    'ssh-server-parameters': {
      'server-identity': {
        'host-key': [{ name: 'host-key', 'public-key': { 'central-keystore-reference': 'host-key' } }],
      },
      'client-authentication': {
        users: {
          user: [{ name: 'callhome', 'public-keys': { 'central-truststore-reference': 'nms' } }],
        },
      },
      keepalives: { 'max-wait': 5, 'max-attempts': 12 },
    },
  },
});

const application = {
  name: 'NMS',
  endpoints: { endpoint: [endpoint('192.0.2.1', 7804), endpoint('nms.example.net', 22)] },
  'connection-type': { persistent: {} },
  'reconnect-strategy': { 'start-with': 'last-connected', 'max-wait': 15, 'max-attempts': 3 },
  'callhome-agent:outbound-ssh': { 'device-id': 'ex1', secret: 'password' },
};

/** What is lost of the client with these changes. */
function lost(change: Partial<OutboundSshClient>) {
  const { applications, losses, notes } = junosToModel([{ ...client, ...change }], references);
  return { application: applications[0], losses: losses.map(({ line, text }) => `${line}: ${text}`), notes };
}

describe('a Junos client in the model', () => {
  it('is one application with its servers in order', () => {
    expect(junosToModel([client], references)).toEqual({
      applications: [application],
      losses: [],
      notes: [],
    });
  });

  it.each([
    ['in-order' as const, 'first-listed'],
    [undefined, undefined],
  ])('with the reconnect-strategy %s starts with %s', (reconnectStrategy, startWith) => {
    expect(lost({ reconnectStrategy }).application?.['reconnect-strategy']['start-with']).toBe(startWith);
  });

  it('whose servers differ has one limit for all', () => {
    const { application, losses } = lost({
      servers: [server, { ...server, address: '192.0.2.2', retry: 1000, timeout: 60, line: 7 }],
    });
    expect(application?.['reconnect-strategy']).toMatchObject({ 'max-wait': 60, 'max-attempts': 3 });
    expect(losses).toEqual([
      '7: client "NMS": retry of the servers differs, and the model has one for all: 3, instead of that of "192.0.2.2" (line 7)',
      '5: client "NMS": timeout of the servers differs, and the model has one for all: 60, instead of that of "192.0.2.1" (line 5)',
    ]);
  });

  it('with values that the model does not have gets the nearest, with a note of it', () => {
    const { application, losses, notes } = lost({
      keepAlive: { retry: 300, timeout: 70_000 },
      servers: [{ ...server, retry: 1000, timeout: 0 }],
    });
    expect(application?.['reconnect-strategy']).toMatchObject({ 'max-wait': 1, 'max-attempts': 255 });
    expect(application?.endpoints.endpoint[0]?.ssh['ssh-server-parameters'].keepalives).toEqual({
      'max-wait': 65535,
      'max-attempts': 255,
    });
    expect(losses).toEqual([]);
    expect(notes).toEqual([
      'line 2: client "NMS": keep-alive timeout 70000 becomes 65535: the model has 1 to 65535',
      'line 2: client "NMS": keep-alive retry 300 becomes 255: the model has 0 to 255',
      'line 5: client "NMS": timeout 0 becomes 1: the model has 1 to 65535',
      'line 5: client "NMS": retry 1000 becomes 255: the model has 1 to 255',
    ]);
  });

  it('is told of where it has what the model has not', () => {
    const { application, losses } = lost({
      deviceId: undefined,
      keepAlive: { retry: 3, timeout: 0 },
      services: ['shell'],
      servers: [server, { ...server, address: '300.1.2.3', line: 8 }, { ...server, address: 'a b', line: 9 }],
    });
    expect(application).not.toHaveProperty('callhome-agent:outbound-ssh');
    expect(application?.endpoints.endpoint.map(({ name }) => name)).toEqual(['192.0.2.1']);
    expect(application?.endpoints.endpoint[0]?.ssh['ssh-server-parameters']).not.toHaveProperty('keepalives');
    expect(losses).toEqual([
      '8: client "NMS": server "300.1.2.3" is neither an IP address nor a name: left out',
      '9: client "NMS": server "a b" is neither an IP address nor a name: left out',
      '2: client "NMS": the service "shell" has no place in the model',
      '2: client "NMS": NETCONF is not among the services: the model has nothing else',
      '2: client "NMS": there is no device-id: nothing will be said before SSH, and the secret has no place',
      '2: client "NMS": keep-alive timeout 0 has no place in the model: there are no keep-alives',
    ]);
  });

  it('without a server is left out', () => {
    expect(lost({ servers: [] })).toEqual({
      application: undefined,
      notes: [],
      losses: ['2: client "NMS": there is no server: left out'],
    });
  });

  it('comes back as it was where nothing is lost', () => {
    fc.assert(
      fc.property(anyClients(true), (clients) => {
        const there = junosToModel(clients, references);
        const back = junosFromModel(there.applications);
        expect({ clients: back.clients, losses: [...there.losses, ...back.losses] }).toEqual({
          clients,
          losses: [],
        });
      }),
    );
  });
});

describe('an application of the model as a Junos client', () => {
  const path = "/ietf-netconf-server:netconf-server/call-home/netconf-client[name='NMS']";
  const at = (address: string) => `${path}/endpoints/endpoint[name='${address}']`;

  it('has its limits at each server, and no keys and users', () => {
    const { line, ...rest } = client;
    expect(junosFromModel([application])).toEqual({
      clients: [{ ...rest, servers: rest.servers.map(({ line, ...one }) => one) }],
      losses: [],
      notes: [
        "host keys, users and the agent's own settings are not part of outbound-ssh: Junos keeps them elsewhere",
      ],
    });
  });

  it("has the model's defaults where the model leaves them", () => {
    const { ssh } = endpoint('192.0.2.1', 1);
    const { clients, losses, notes } = junosFromModel([
      {
        name: 'NMS',
        endpoints: {
          endpoint: [
            {
              name: '192.0.2.1',
              ssh: {
                'tcp-client-parameters': { 'remote-address': '192.0.2.1' },
                'ssh-server-parameters': { ...ssh['ssh-server-parameters'], keepalives: {} },
              },
            },
          ],
        },
        'connection-type': { persistent: {} },
      },
    ]);
    expect(clients).toEqual([
      {
        name: 'NMS',
        keepAlive: { retry: 3, timeout: 30 },
        services: ['netconf'],
        servers: [{ address: '192.0.2.1', port: 4334, retry: 3, timeout: 5 }],
      },
    ]);
    expect(losses).toEqual([]);
    expect(notes).toContain('client "NMS" has no device-id, which Junos requires');
  });

  it('is told of, by path, where it has what Junos has not', () => {
    const first = endpoint('192.0.2.1', 7804);
    const second = endpoint('nms.example.net', 0);
    const third = endpoint('secret', 22);
    const { ssh } = endpoint('192.0.2.2', 22);
    const { clients, losses } = junosFromModel([
      {
        ...application,
        endpoints: {
          endpoint: [
            {
              name: '192.0.2.1',
              ssh: {
                'tcp-client-parameters': {
                  ...first.ssh['tcp-client-parameters'],
                  'local-address': '192.0.2.9',
                  'proxy-server': {},
                  keepalives: {},
                },
                'ssh-server-parameters': {
                  ...first.ssh['ssh-server-parameters'],
                  'transport-params': {},
                },
                'netconf-server-parameters': { 'client-identity-mappings': {} },
              },
            },
            { name: 'over-tls', tls: {} },
            second,
            third,
            { ...first, name: 'again' },
            {
              name: 'other-name',
              ssh: {
                ...ssh,
                'ssh-server-parameters': {
                  ...ssh['ssh-server-parameters'],
                  keepalives: { 'max-wait': 6, 'max-attempts': 12 },
                },
              },
            },
            {
              name: '192.0.2.3',
              ssh: {
                'tcp-client-parameters': { 'remote-address': '192.0.2.3' },
                'ssh-server-parameters': {},
              },
            },
          ],
        },
        'connection-type': { periodic: { period: 5 } },
        'reconnect-strategy': { 'start-with': 'random-selection' },
        'callhome-agent:outbound-ssh': { 'device-id': 'a\nb', secret: 'x' },
        'callhome-agent:colour': 'red',
      },
      { ...application, name: 'a\nb' },
      { ...application, name: 'none', endpoints: { endpoint: [{ name: 'over-tls', tls: {} }] } },
    ]);
    expect(clients).toEqual([
      {
        name: 'NMS',
        secret: 'x',
        keepAlive: { retry: 12, timeout: 5 },
        services: ['netconf'],
        servers: [
          { address: '192.0.2.1', port: 7804, retry: 3, timeout: 5 },
          { address: '192.0.2.2', port: 22, retry: 3, timeout: 5 },
          { address: '192.0.2.3', port: 4334, retry: 3, timeout: 5 },
        ],
      },
    ]);
    const other = "/ietf-netconf-server:netconf-server/call-home/netconf-client[name='none']/endpoints";
    expect(losses.map((loss) => loss.path)).toEqual([
      `${at('192.0.2.1')}/ssh/tcp-client-parameters/local-address`,
      `${at('192.0.2.1')}/ssh/tcp-client-parameters/proxy-server`,
      `${at('192.0.2.1')}/ssh/tcp-client-parameters/keepalives`,
      `${at('192.0.2.1')}/ssh/ssh-server-parameters/transport-params`,
      `${at('192.0.2.1')}/ssh/netconf-server-parameters/client-identity-mappings`,
      at('over-tls'),
      `${at('nms.example.net')}/ssh/tcp-client-parameters/remote-port`,
      `${at('secret')}/ssh/tcp-client-parameters/remote-address`,
      `${at('again')}/ssh/tcp-client-parameters/remote-address`,
      `${at('other-name')}/name`,
      `${path}/callhome-agent:colour`,
      `${path}/connection-type/periodic`,
      `${path}/callhome-agent:outbound-ssh/device-id`,
      `${at('other-name')}/ssh/ssh-server-parameters/keepalives`,
      `${at('192.0.2.3')}/ssh/ssh-server-parameters/keepalives`,
      `${path}/reconnect-strategy/start-with`,
      "/ietf-netconf-server:netconf-server/call-home/netconf-client[name='a b']/name",
      `${other}/endpoint[name='over-tls']`,
      other,
    ]);
  });

  it('that is not of the model is refused', () => {
    expect(() => junosFromModel([{ name: 1 }])).toThrow(CallhomeError);
  });
});

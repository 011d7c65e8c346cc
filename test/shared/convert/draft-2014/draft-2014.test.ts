import { readDraft2014 } from '@callhome/shared/convert/draft-2014/read.js';
import { draft2014ToModel } from '@callhome/shared/convert/draft-2014/to-model.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const applications = (...content: string[]) =>
  `<netconf xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-server">
  <call-home><applications>${content.map((one) => `<application>${one}</application>`).join('')}</applications></call-home>
</netconf>`;
const servers =
  '<servers><server><address>nms.example.net</address><port>7777</port></server><server><address>192.0.2.1</address><port>4334</port></server></servers>';
const transport =
  '<transport><ssh><host-keys><host-key><name>ssh_host_key.pem</name></host-key></host-keys></ssh></transport>';
const references = { hostKey: 'host-key', user: 'callhome', trusted: 'nms' };

const base = '/netconf/call-home/applications/application';
const at = (name: string) => `${base}[name='${name}']`;

const read = (xml: string) => readDraft2014(xml, 'config.xml');
const told = (xml: string) => read(xml).losses.map(({ path, text }) => `${path} ${text}`);

describe('the form of 2014', () => {
  it('is read with every value', () => {
    const xml = `\u{feff}<?xml version="1.0"?>${applications(
      `<name>manager</name><description> of
 configurations </description>${servers}${transport}
      <connection-type><persistent><keep-alives><interval-secs>10</interval-secs><count-max>2</count-max></keep-alives></persistent></connection-type>
      <reconnect-strategy><start-with>last-connected</start-with><interval-secs>10</interval-secs><count-max>4</count-max></reconnect-strategy>`,
      `<name>backup</name>${servers}${transport}
      <connection-type><periodic><timeout-mins>60</timeout-mins><linger-secs>120</linger-secs></periodic></connection-type>`,
    )}`;
    expect(read(xml)).toEqual({
      losses: [],
      applications: [
        {
          name: 'manager',
          description: 'of\n configurations',
          servers: [
            { address: 'nms.example.net', port: 7777 },
            { address: '192.0.2.1', port: 4334 },
          ],
          hostKeys: ['ssh_host_key.pem'],
          connectionType: { persistent: { keepAlives: { intervalSecs: 10, countMax: 2 } } },
          reconnectStrategy: { startWith: 'last-connected', intervalSecs: 10, countMax: 4 },
        },
        {
          name: 'backup',
          servers: [
            { address: 'nms.example.net', port: 7777 },
            { address: '192.0.2.1', port: 4334 },
          ],
          hostKeys: ['ssh_host_key.pem'],
          connectionType: { periodic: { timeoutMins: 60, lingerSecs: 120 } },
          reconnectStrategy: { startWith: 'first-listed', intervalSecs: 5, countMax: 3 },
        },
      ],
    });
  });

  it.each([
    ['', { persistent: { keepAlives: { intervalSecs: 15, countMax: 3 } } }],
    ['<persistent/>', { persistent: { keepAlives: { intervalSecs: 15, countMax: 3 } } }],
    [
      '<persistent><keep-alives><count-max>9</count-max></keep-alives></persistent>',
      { persistent: { keepAlives: { intervalSecs: 15, countMax: 9 } } },
    ],
    ['<periodic/>', { periodic: { timeoutMins: 5, lingerSecs: 30 } }],
  ])('has defaults: %s', (content, connectionType) => {
    const xml = applications(
      `<name>a</name>${servers}${transport}<connection-type>${content}</connection-type>`,
    );
    expect(read(xml)).toMatchObject({ losses: [], applications: [{ connectionType }] });
  });

  it('is told of, by path, where it is not understood', () => {
    expect(
      told(
        applications(
          `<name>a</name><name>b</name><colour/><servers xmlns="urn:other"/>
          <servers><server><address>x</address></server><server><port>0</port><address>y</address></server><server/></servers>
          <transport><ssh><host-keys><host-key/><host-key><name>k</name><type/></host-key></host-keys></ssh><tls/></transport>
          <connection-type><periodic/><persistent><keep-alives><interval-secs>256</interval-secs><count-max>-1</count-max></keep-alives></persistent></connection-type>
          <reconnect-strategy><start-with>random</start-with><interval-secs>x</interval-secs></reconnect-strategy>`,
          '<name>over-tls</name><transport><tls/></transport>',
          `<name>bare</name>${servers}`,
          `${servers}${transport}`,
          `<name>bare</name>${servers}${transport}`,
        ).replace('<call-home>', '<listen/><call-home>'),
      ),
    ).toEqual([
      '/netconf/listen is not understood: left out',
      `${at('a')}/name is there twice: the first one counts`,
      `${at('a')}/colour is not understood: left out`,
      `${at('a')}/servers is not understood: left out`,
      `${at('a')}/transport/tls stands beside ssh, which is taken`,
      `${at('a')}/transport/ssh/host-keys/host-key[2]/type is not understood: left out`,
      `${at('a')}/servers/server[1] has no usable port: left out`,
      `${at('a')}/servers/server[2]/port must be a number from 1 to 65535`,
      `${at('a')}/servers/server[2] has no usable port: left out`,
      `${at('a')}/servers/server[3] has no address: left out`,
      `${at('a')}/connection-type/periodic stands beside persistent, which is taken`,
      `${at('a')}/connection-type/persistent/keep-alives/interval-secs must be a number from 0 to 255: the default is taken, 15`,
      `${at('a')}/connection-type/persistent/keep-alives/count-max must be a number from 0 to 255: the default is taken, 3`,
      `${at('a')}/reconnect-strategy/start-with must be first-listed or last-connected: first-listed is taken`,
      `${at('a')}/reconnect-strategy/interval-secs must be a number from 0 to 255: the default is taken, 5`,
      `${at('over-tls')}/transport is not SSH: the application is left out`,
      `${at('bare')} has no transport: it is taken for SSH`,
      `${base}[4] has no usable name: left out`,
      `${at('bare')} is there twice: the first one counts`,
    ]);
  });

  it.each([
    ['<netconf/>', 'config.xml: the root element must be netconf'],
    ['<netconf xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-server">', 'config.xml: bad XML: '],
    ['', 'config.xml: bad XML: '],
    ['<!DOCTYPE a []><a/>', 'config.xml: bad XML: '],
  ])('is refused where it is no such document: %s', (xml, message) => {
    expect(() => read(xml)).toThrow(
      expect.objectContaining({
        code: 'CALLHOME_CONFIG_INVALID',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('without an application is told', () => {
    expect(told(applications())).toEqual(['/netconf/call-home/applications there is no application']);
  });

  it('of any kind is read or refused, never anything else', () => {
    const name = fc.constantFrom(
      ...['name', 'servers', 'server', 'address', 'port', 'transport', 'ssh', 'tls', 'host-keys', 'host-key'],
      ...['connection-type', 'persistent', 'periodic', 'keep-alives', 'interval-secs', 'reconnect-strategy'],
    );
    const { element } = fc.letrec<{ element: string }>((tie) => ({
      element: fc
        .tuple(
          name,
          fc.oneof(
            { maxDepth: 5 },
            fc.constantFrom('', '1', 'x'),
            fc.array(tie('element')).map((all) => all.join('')),
          ),
        )
        .map(([name, content]) => `<${name}>${content}</${name}>`),
    }));
    fc.assert(
      fc.property(fc.array(element), (content) => {
        draft2014ToModel(
          read(applications(`<name>a</name>${transport}${content.join('')}`)).applications,
          references,
        );
      }),
    );
    fc.assert(
      fc.property(fc.string(), (xml) => {
        try {
          read(xml);
        } catch (error) {
          expect(error).toBeInstanceOf(CallhomeError);
        }
      }),
    );
  });
});

describe('an application of 2014 in the model', () => {
  const application = {
    name: 'manager',
    servers: [{ address: 'nms.example.net', port: 7777 }],
    hostKeys: [],
    connectionType: { persistent: { keepAlives: { intervalSecs: 10, countMax: 0 } } },
    reconnectStrategy: { startWith: 'last-connected', intervalSecs: 5, countMax: 4 },
  } as const;
  const convert = (change: object) => draft2014ToModel([{ ...application, ...change }], references);
  const pause = {
    path: `${at('manager')}/reconnect-strategy/interval-secs`,
    text: 'the 5 s between attempts have no place in the model',
  };

  it('keeps its endpoints, strategy and keep-alives, and loses the pause between attempts', () => {
    expect(convert({})).toEqual({
      applications: [
        {
          name: 'manager',
          endpoints: {
            endpoint: [
              {
                name: 'nms.example.net',
                ssh: {
                  'tcp-client-parameters': { 'remote-address': 'nms.example.net', 'remote-port': 7777 },
                  'ssh-server-parameters': {
                    'server-identity': {
                      'host-key': [
                        { name: 'host-key', 'public-key': { 'central-keystore-reference': 'host-key' } },
                      ],
                    },
                    'client-authentication': {
                      users: {
                        user: [
                          { name: 'callhome', 'public-keys': { 'central-truststore-reference': 'nms' } },
                        ],
                      },
                    },
                    keepalives: { 'max-wait': 10, 'max-attempts': 0 },
                  },
                },
              },
            ],
          },
          'connection-type': { persistent: {} },
          'reconnect-strategy': { 'start-with': 'last-connected', 'max-attempts': 4 },
        },
      ],
      losses: [pause],
    });
  });

  it('names endpoints of one address apart', () => {
    const address = 'nms';
    const { applications } = convert({
      servers: [
        { address, port: 1 },
        { address, port: 2 },
        { address: 'nms-2', port: 1 },
        { address, port: 3 },
      ],
    });
    expect(applications[0]?.endpoints.endpoint.map(({ name }) => name)).toEqual([
      'nms',
      'nms-3',
      'nms-2',
      'nms-4',
    ]);
  });

  it('tells what it loses', () => {
    const { applications, losses } = convert({
      description: 'x',
      hostKeys: ['a', 'b'],
      servers: [...application.servers, { address: '1.2.3', port: 1 }],
      connectionType: { periodic: { timeoutMins: 0, lingerSecs: 0 } },
      reconnectStrategy: { ...application.reconnectStrategy, countMax: 0 },
    });
    expect(applications[0]).toMatchObject({
      'connection-type': { periodic: { period: 0, 'idle-timeout': 1 } },
      'reconnect-strategy': { 'max-attempts': 1 },
    });
    expect(losses.map(({ path, text }) => `${path?.slice(at('manager').length)} ${text}`)).toEqual([
      '/servers server "1.2.3" is neither an IP address nor a name: left out',
      '/description has no place in the model',
      `/transport/ssh/host-keys keys are not part of it: the keystore's "host-key" takes the place of "a", "b"`,
      '/reconnect-strategy/interval-secs the 5 s between attempts have no place in the model',
      '/reconnect-strategy/count-max 0 becomes 1: the model has 1 to 255',
      '/connection-type/periodic/timeout-mins becomes the period, which counts from the start of a connection and not from its end',
      '/connection-type/periodic/linger-secs 0 becomes an idle-timeout of 1 s, the shortest of the model',
    ]);
  });

  it('that has keep-alives of 0 s has none, and one without a server is left out', () => {
    const none = convert({
      connectionType: { persistent: { keepAlives: { intervalSecs: 0, countMax: 3 } } },
    });
    expect(none.applications[0]?.endpoints.endpoint[0]?.ssh['ssh-server-parameters']).not.toHaveProperty(
      'keepalives',
    );
    expect(none.losses).toEqual([
      pause,
      {
        path: `${at('manager')}/connection-type/persistent/keep-alives`,
        text: 'interval-secs 0 has no place in the model: there are no keep-alives',
      },
    ]);
    expect(convert({ servers: [] })).toEqual({
      applications: [],
      losses: [{ path: at('manager'), text: 'there is no server: left out' }],
    });
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const hostKey = generateKeyPair();
const userKey = generateKeyPair();
const text = JSON.stringify(
  newAgentDocument({
    endpoints: [
      { address: 'nms1.example.net', port: 4334 },
      { address: '2001:db8::1', port: 14334 },
    ],
    hostKey,
    user: 'callhome',
    userKeys: [userKey.publicKey],
  }),
);
const secret = hostKey.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(content: string) {
  const file = join(folder, 'agent.json');
  await writeFile(file, content, { mode: 0o600 });
  return loadAgentConfig(file);
}

/** What is wrong with a configuration, a line each, without the file's folder. */
async function errors(content: string): Promise<string[]> {
  try {
    await load(content);
    return [];
  } catch (error) {
    const { message, code } = error as Error & { code: string };
    expect(code).toBe('CALLHOME_CONFIG_INVALID');
    expect(message).not.toContain(secret);
    return message.split('\n').map((line) => line.replace(`${folder}/`, ''));
  }
}

const client = "/ietf-netconf-server:netconf-server/call-home/netconf-client[name='nms']";
const first = `${client}/endpoints/endpoint[name='nms-1']/ssh`;

describe("an agent's configuration", () => {
  it('reads the keys of a bag once, however many refer to it', async () => {
    const document = JSON.parse(text);
    const [bag] = document['ietf-truststore:truststore']['public-key-bags']['public-key-bag'];
    const [key] = bag['public-key'];
    bag['public-key'] = Array.from({ length: 5000 }, (_, index) => ({ ...key, name: `key-${index}` }));
    const { endpoints } = document['ietf-netconf-server:netconf-server']['call-home']['netconf-client'][0];
    const [endpoint] = endpoints.endpoint;
    endpoints.endpoint = Array.from({ length: 2000 }, (_, index) => ({ ...endpoint, name: `nms-${index}` }));
    const { applications } = await load(JSON.stringify(document));
    expect(applications[0]?.endpoints).toHaveLength(2000);
    expect(applications[0]?.endpoints.at(-1)?.users[0]?.publicKeys).toHaveLength(5000);
  });

  it('that is not UTF-8 is refused', async () => {
    const file = join(folder, 'latin.json');
    await writeFile(file, Buffer.from('{"a": "\xe9"}', 'latin1'));
    await expect(loadAgentConfig(file)).rejects.toMatchObject({
      message: expect.stringContaining('not UTF-8'),
    });
  });

  it('as init writes it, is read with its keys, endpoints and users', async () => {
    const { applications, agent } = await load(text);
    expect(applications).toMatchObject([
      {
        name: 'nms',
        startWith: 'last-connected',
        maxWaitSeconds: 5,
        maxAttempts: 3,
        endpoints: [
          { address: 'nms1.example.net', port: 4334, keepalive: { maxWaitSeconds: 30, maxAttempts: 3 } },
          { address: '2001:db8::1', port: 14334 },
        ],
      },
    ]);
    expect(applications[0]?.endpoints[0]?.hostKeys[0]?.publicKey).toEqual(hostKey.publicKey);
    expect(applications[0]?.endpoints[0]?.users).toEqual([
      { name: 'callhome', publicKeys: [userKey.publicKey] },
    ]);
    expect(agent).toMatchObject({ backend: { embedded: {} }, 'handshake-timeout': 30 });
  });

  it('has the defaults of the model where it is silent', async () => {
    const silent = text
      .replace(
        '"reconnect-strategy":{"start-with":"last-connected","max-wait":5,"max-attempts":3}',
        '"reconnect-strategy":{}',
      )
      .replace(',"remote-port":4334', '')
      .replace('"keepalives":{"max-wait":30,"max-attempts":3}', '"keepalives":{}');
    const { applications } = await load(silent);
    expect(applications[0]).toMatchObject({ startWith: 'first-listed', maxWaitSeconds: 5, maxAttempts: 3 });
    expect(applications[0]?.endpoints[0]).toMatchObject({
      port: 4334,
      keepalive: { maxWaitSeconds: 30, maxAttempts: 3 },
    });
  });

  it('without keepalives sends none', async () => {
    const { applications } = await load(
      text.replaceAll(',"keepalives":{"max-wait":30,"max-attempts":3}', ''),
    );
    expect(applications[0]?.endpoints[0]?.keepalive).toBeUndefined();
  });

  it.each([
    ['{"a": 1,\n  "b" 2}', ['agent.json: line 2, column 7: not JSON: colon expected']],
    ['', ['agent.json: is empty']],
    ['{} {}', ['agent.json: line 1, column 4: not JSON: end of file expected']],
    ['// no comments\n{}', ['agent.json: line 1, column 1: not JSON: invalid comment token']],
    ['[]', ['agent.json: /: must be an object']],
    [
      '{}',
      [
        'agent.json: /ietf-netconf-server:netconf-server/call-home: is missing: there is nobody to call; keystore, truststore and netconf-server are one file',
      ],
    ],
    ['{"a": 1,\n "a": 2}', ['agent.json: line 2, column 2: a member that is there already']],
    ['{"a": {"b": 1.0}}', ['agent.json: line 1, column 13: a number that is not whole']],
    ['["\\u0000"]', ['agent.json: line 1, column 2: a character that YANG does not allow']],
    ['["\\ud800"]', ['agent.json: line 1, column 2: a character that YANG does not allow']],
    ['['.repeat(200_000), ['agent.json: line 1, column 65: not a configuration: more than 64 levels deep']],
  ])('that is no document is refused with the place: %j', async (content, expected) => {
    expect(await errors(content)).toEqual(expected);
  });

  it.each<[string, string | RegExp, string, string]>([
    [
      'a wrong type',
      '"remote-port":4334',
      '"remote-port":"4334"',
      `${first}/tcp-client-parameters/remote-port: must be a whole number from 0 to 65535, not "4334"`,
    ],
    [
      'a port out of range',
      '"remote-port":4334',
      '"remote-port":65536',
      `${first}/tcp-client-parameters/remote-port: must be a whole number from 0 to 65535, not 65536`,
    ],
    [
      'a bad address',
      'nms1.example.net',
      'no such host!',
      `${first}/tcp-client-parameters/remote-address: must be an IP address or a domain name, not "no such host!"`,
    ],
    [
      'a missing member',
      '"connection-type":{"persistent":{}},',
      '',
      `${client}/connection-type: must have one of "persistent", "periodic"`,
    ],
    [
      'an unknown member',
      '"connection-type":{',
      '"colour":1,"connection-type":{',
      `${client}/colour: is not known here`,
    ],
    [
      'an unknown top-level member',
      '{"ietf-keystore:keystore"',
      '{"x:y":{},"ietf-keystore:keystore"',
      '/x:y: is of the module "x", of which nothing is known here',
    ],
    [
      'a strategy that is none',
      '"last-connected"',
      '"sticky"',
      `${client}/reconnect-strategy/start-with: must be one of: first-listed, last-connected, random-selection, not "sticky"`,
    ],
    [
      'no endpoints',
      /"endpoint":\[.*?\]\},"connection-type"/,
      '"endpoint":[]},"connection-type"',
      `${client}/endpoints/endpoint: must have an entry at least`,
    ],
    ['a name twice', '"name":"nms-2"', '"name":"nms-1"', `${first.replace('/ssh', '')}: is there twice`],
    [
      'a dangling key',
      '"central-keystore-reference":"host-key"',
      '"central-keystore-reference":"x"',
      'central-keystore-reference: must name an asymmetric-key of the keystore, not "x"',
    ],
    [
      'a dangling bag',
      '"central-truststore-reference":"nms"',
      '"central-truststore-reference":"x"',
      'central-truststore-reference: must name a public-key-bag of the truststore, not "x"',
    ],
    [
      'two cases of a choice',
      '"backend":{"embedded":{}',
      '"backend":{"embedded":{},"command":{"program":"/bin/true"}',
      '/callhome-agent:agent/backend: must have one of "embedded", "command", not 2',
    ],
    [
      'a relative program',
      '"backend":{"embedded":{}',
      '"backend":{"command":{"program":"cat"}',
      'command/program: must be an absolute path',
    ],
    ['an unreadable key', secret, 'QUJD', "[name='host-key']: the key is not a usable key"],
    [
      'a key that is not base64',
      secret,
      '!',
      "asymmetric-key[name='host-key']/cleartext-private-key: must be base64",
    ],
    [
      'halves that do not match',
      hostKey.publicKey.blob.toString('base64'),
      userKey.publicKey.blob.toString('base64'),
      'does not belong',
    ],
    [
      'a prototype for a member',
      '"connection-type":{"persistent":{}},',
      '"__proto__":{"connection-type":{"persistent":{}}},',
      `${client}/__proto__: is not known here`,
    ],
    [
      'what is meant for an address',
      'nms1.example.net',
      '300.1.2.3',
      `${first}/tcp-client-parameters/remote-address: is neither an IPv4 address nor a name`,
    ],
    [
      'a zone that is none',
      '2001:db8::1',
      'fe80::1%a b',
      'remote-address: must be an IP address or a domain name',
    ],
    [
      'a label that ends in an underscore',
      'nms1.example.net',
      'nms_.example.net',
      'must be an IP address or a domain name',
    ],
    [
      'a user without a name',
      '"user":[{"name":"callhome"',
      '"user":[{"name":""',
      'is no name that anybody could log in with',
    ],
    [
      'a name that breaks the line',
      '"name":"host-key"',
      '"name":"host\\nkey","x":1',
      "asymmetric-key[name='host key']/x: is not known here",
    ],
    [
      'a public key with something behind it',
      userKey.publicKey.blob.toString('base64'),
      Buffer.concat([userKey.publicKey.blob, Buffer.from('x')]).toString('base64'),
      "public-key[name='nms-1']: the key is not a usable key",
    ],
    [
      'a broken key that nobody refers to',
      '"asymmetric-key":[',
      '"asymmetric-key":[{"name":"x","private-key-format":"ietf-crypto-types:rsa-private-key-format","cleartext-private-key":"AAAA"},',
      "asymmetric-key[name='x']: the key is not a usable key",
    ],
    [
      'a public key that is too short',
      userKey.publicKey.blob.toString('base64'),
      'AAAAC3NzaC1lZDI1NTE5AAAABQEBAQEB',
      "public-key[name='nms-1']: the key is not a usable key",
    ],
  ])('with %s is refused with its path and the reason', async (_what, from, to, expected) => {
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    expect((await errors(changed)).join('\n')).toContain(expected);
  });

  it('is refused with all that is wrong, not the first alone', async () => {
    const found = await errors(
      text
        .replace('"connection-type":{"persistent":{}},', '')
        .replace('"remote-port":4334', '"remote-port":-1'),
    );
    expect(found).toHaveLength(2);
  });

  it('that cannot be read is told with the reason', async () => {
    await expect(loadAgentConfig(join(folder, 'missing.json'))).rejects.toMatchObject({
      code: 'CALLHOME_FILE_UNREADABLE',
      message: expect.stringContaining('no such file'),
    });
    await expect(loadAgentConfig(folder)).rejects.toMatchObject({ code: 'CALLHOME_FILE_UNREADABLE' });
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNmsConfig, newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const identity = generateKeyPair();
const binds = [
  { address: '192.0.2.1', port: 4334 },
  { address: '2001:db8::1', port: 14334 },
];
const text = JSON.stringify(newNmsDocument({ identity, binds, apiPort: 8334 }));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callhome-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(content: string) {
  const file = join(folder, 'nms.json');
  await writeFile(file, content, { mode: 0o600 });
  return loadNmsConfig(file);
}

const ssh =
  "/ietf-netconf-client:netconf-client/listen/endpoints/endpoint[name='call-home']/ssh/ssh-client-parameters";

describe("a collector's configuration", () => {
  it('as init writes it, is read with its key, addresses and limits', async () => {
    expect(await load(text)).toMatchObject({
      listeners: [
        {
          name: 'call-home',
          binds,
          identity: { publicKey: identity.publicKey },
          user: 'callhome',
          keepalive: { maxWaitSeconds: 30, maxAttempts: 3 },
        },
      ],
      api: { address: '127.0.0.1', port: 8334 },
      admission: { maxConnections: 20_000, maxHandshakes: 512, handshakeTimeoutSeconds: 30 },
    });
  });

  it('has the kernel probe devices where it says so, and tells what of that it cannot set', async () => {
    const probing = text.replace(
      '"tcp-server-parameters":{',
      '"tcp-server-parameters":{"keepalives":{"idle-time":60},',
    );
    const { listeners, warnings } = await load(probing);
    expect(listeners[0]?.tcpKeepaliveSeconds).toBe(60);
    expect(warnings).toEqual([
      expect.stringContaining('/ssh/tcp-server-parameters/keepalives: idle-time alone'),
    ]);
    expect(await load(text)).toMatchObject({ listeners: [{ tcpKeepaliveSeconds: undefined }], warnings: [] });
  });

  it.each([
    [
      'a key that is none',
      identity.publicKey.blob.toString('base64'),
      'AAAA',
      "asymmetric-key[name='collector']: the key",
    ],
    [
      'a dangling key',
      '"central-keystore-reference":"collector"',
      '"central-keystore-reference":"x"',
      `${ssh}/client-identity/public-key/central-keystore-reference: must name an asymmetric-key of the keystore, not "x"`,
    ],
    [
      'a dangling bag',
      '"central-truststore-reference":"devices"',
      '"central-truststore-reference":"x"',
      `${ssh}/server-authentication/ssh-host-keys/central-truststore-reference: must name a public-key-bag of the truststore, not "x"`,
    ],
    [
      'a bind without an address',
      '"local-address":"192.0.2.1",',
      '',
      'local-bind[1]/local-address: is missing',
    ],
    [
      'a bind that is a name',
      '192.0.2.1',
      'localhost',
      "local-bind[local-address='localhost']/local-address: must be an IP address",
    ],
    ['an address twice', '2001:db8::1', '192.0.2.1', "local-bind[local-address='192.0.2.1']: is there twice"],
    [
      'an address twice, spelled otherwise',
      '192.0.2.1',
      '2001:DB8:0:0::1',
      "local-bind[local-address='2001:db8::1']: is there twice",
    ],
    [
      'a zone in the address of the API',
      '"address":"127.0.0.1"',
      '"address":"fe80::1%lo"',
      '/callhome-nms:nms/api/address: must be an IP address without a zone, not',
    ],
    [
      'a user that cannot be',
      '"client-identity":{',
      '"client-identity":{"username":"a\\tb",',
      `${ssh}/client-identity/username: is no name`,
    ],
    [
      'a broken key in the bag of devices',
      '"description":"Empty: the devices and their keys live in the registry."',
      '"public-key":[{"name":"x","public-key-format":"ietf-crypto-types:ssh-public-key-format","public-key":"AAAA"}]',
      "nms.json: /ietf-truststore:truststore/public-key-bags/public-key-bag[name='devices']/public-key[name='x']: ",
    ],
    [
      'an idle timeout, which would end quiet devices',
      '"idle-timeout":0',
      '"idle-timeout":180',
      '/listen/idle-timeout: must be written, and 0',
    ],
    [
      'keys in the bag of devices',
      '"description":"Empty: the devices and their keys live in the registry."',
      `"public-key":[{"name":"x","public-key-format":"ietf-crypto-types:ssh-public-key-format","public-key":"${identity.publicKey.blob.toString('base64')}"}]`,
      'must refer to an empty bag',
    ],
  ])('with %s is refused with its path and the reason', async (_what, from, to, expected) => {
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    await expect(load(changed)).rejects.toMatchObject({
      code: 'CALLHOME_CONFIG_INVALID',
      message: expect.stringContaining(expected),
    });
  });
});

import { on } from 'node:events';
import type { Readable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { createFolder, removeFolder } from '../programs/folder.js';
import { startNcclientNms } from './peers/ncclient-nms.js';
import { startNetconfd } from './peers/netconfd.js';
import { startOpensshClientNms } from './peers/openssh-client-nms.js';
import { requirePeers } from './peers/require-peers.js';
import { createKeyFile, type KeyFile } from './peers/ssh-key.js';
import { type SshdDevice, startSshdDevice } from './peers/sshd-device.js';

const endOfMessage = ']]>]]>';
const hello = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>${endOfMessage}`;
const closeSession = `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><close-session/></rpc>${endOfMessage}`;

const edit = `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">
  <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface>
    <name>uplink</name>
    <type xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type">ianaift:ethernetCsmacd</type>
  </interface></interfaces>
</config>`;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Keeps what is to be stopped after the test. */
function owned<T extends { stop(): Promise<void> }>(peer: T): T {
  stops.push(() => peer.stop());
  return peer;
}

async function startDevice(): Promise<{
  device: SshdDevice;

  key: KeyFile;
  otherKey: KeyFile;
}> {
  const folder = await createFolder('keys');
  stops.push(() => removeFolder(folder));
  const key = await createKeyFile(folder, 'key');
  const otherKey = await createKeyFile(folder, 'other');
  const netconfd = owned(await startNetconfd());
  const device = owned(await startSshdDevice(key.publicKey, netconfd.subsystem));
  return { device, key, otherKey };
}

/** The text of `stream` up to the end of the first NETCONF 1.0 message. */
async function message(stream: Readable): Promise<string> {
  let text = '';
  for await (const [chunk] of on(stream, 'data', { signal: AbortSignal.timeout(60_000) })) {
    text += String(chunk);
    if (text.includes(endOfMessage)) return text;
  }
  throw new Error('unreachable');
}

requirePeers(
  'sshd',
  'netconfd',
  'socat',
  'ncclient',
)('a device that calls home to ncclient', () => {
  test('lets it edit, commit and hear of that', async () => {
    const { device, key } = await startDevice();
    const nms = owned(
      await startNcclientNms({ user: device.user, keyFile: key.file, hostKey: device.hostKey, edit }),
    );
    const call = await device.callHome(nms.port);
    const outcome = await nms.outcome();
    expect(outcome, call.output()).toMatchObject({
      event: 'done',
      capabilities: expect.arrayContaining(['urn:ietf:params:netconf:capability:candidate:1.0']),
      running: expect.stringContaining('<name>uplink</name>'),
      notification: expect.stringContaining('netconf-config-change'),
    });
    await call.ended;
  });

  test('is refused when its host key is another', async () => {
    const { device, key, otherKey } = await startDevice();
    const nms = owned(
      await startNcclientNms({ user: device.user, keyFile: key.file, hostKey: otherKey.publicKey, edit }),
    );
    await device.callHome(nms.port);
    expect(await nms.outcome()).toMatchObject({ event: 'failed', error: 'SSHUnknownHostError' });
  });

  test('refuses a key that it does not know', async () => {
    const { device, otherKey } = await startDevice();
    const nms = owned(
      await startNcclientNms({ user: device.user, keyFile: otherKey.file, hostKey: device.hostKey, edit }),
    );
    await device.callHome(nms.port);
    expect(await nms.outcome()).toMatchObject({ event: 'failed', error: 'AuthenticationError' });
  });
});

requirePeers(
  'sshd',
  'ssh',
  'netconfd',
  'socat',
)('a device that calls home to the OpenSSH client', () => {
  test('opens a NETCONF session, again and again', async () => {
    const { device, key } = await startDevice();
    for (const sessionId of ['1', '2']) {
      const nms = owned(
        await startOpensshClientNms({ user: device.user, keyFile: key.file, hostKey: device.hostKey }),
      );
      await device.callHome(nms.port);
      nms.session.write(hello);
      expect(await message(nms.session), nms.output()).toContain(`<session-id>${sessionId}</session-id>`);
      nms.session.write(closeSession);
      expect(await message(nms.session)).toContain('<ok/>');
      expect(await nms.ended).toBe(0);
    }
  });

  test('is refused when its host key is another', async () => {
    const { device, key, otherKey } = await startDevice();
    const nms = owned(
      await startOpensshClientNms({ user: device.user, keyFile: key.file, hostKey: otherKey.publicKey }),
    );
    const call = await device.callHome(nms.port);
    nms.session.resume();
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain('Host key verification failed');
    await call.ended;
  });
});

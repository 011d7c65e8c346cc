import { fingerprint, publicKeysFromText } from '@callhome/shared/ssh/public-key.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { startNetconfd } from './peers/netconfd.js';
import { requirePeers } from './peers/require-peers.js';
import { startSshdDevice } from './peers/sshd-device.js';

const owned = createOwner();

const shownDevice = z.object({
  user: z.string(),
  connections: z.number(),
  hostKeys: z.array(z.object({ fingerprint: z.string(), provedAt: z.string().nullable() })),
});

const fingerprintOf = (line: string) =>
  publicKeysFromText(line, 'the key').map(({ blob }) => fingerprint(blob))[0] ?? '';

requirePeers(
  'sshd',
  'netconfd',
  'socat',
)('OpenSSH with netconfd', () => {
  test("is logged in to as its profile's user, and changes its host key while the former one is good", async () => {
    const collector = owned(await startCollector());
    const netconfd = owned(await startNetconfd());
    const device = owned(await startSshdDevice(collector.publicKey, netconfd.subsystem));
    const nms = async (args: readonly string[], input?: string) => {
      const { status, stdout, stderr } = await collector.command(args, input);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return stdout;
    };
    const show = async () =>
      shownDevice.parse(JSON.parse(await nms(['device', 'show', 'router1', '--json'])));

    await nms(['profile', 'add', 'linux', '--user', device.user]);
    await nms(['device', 'add', 'router1', '--host-key', '-', '--profile', 'linux'], device.hostKey);
    const former = await device.callHome(collector.port);
    await collector.connected('router1');
    expect(await show()).toMatchObject({ user: device.user, connections: 1 });

    const formerKey = fingerprintOf(device.hostKey);
    const nextLine = await device.changeHostKey();
    const nextKey = fingerprintOf(nextLine);
    await nms(['device', 'key', 'add', 'router1', '--host-key', '-'], nextLine);
    expect((await show()).hostKeys).toEqual([
      { fingerprint: formerKey, provedAt: expect.any(String) },
      { fingerprint: nextKey, provedAt: null },
    ]);
    await device.callHome(collector.port);
    await collector.program.logged({ msg: 'device connected', device: 'router1', hostKey: nextKey });
    await former.ended;
    expect((await show()).hostKeys).toMatchObject([
      {},
      { fingerprint: nextKey, provedAt: expect.any(String) },
    ]);

    const left = await nms(['device', 'key', 'remove', 'router1', formerKey]);
    expect(left).toBe(`${nextKey} ssh-ed25519\n`);
    // Its connection stands on the key that it has now.
    expect(await nms(['get-config', 'router1'])).toContain('<rpc-reply');
    expect(await show()).toMatchObject({ connections: 2, hostKeys: [{ fingerprint: nextKey }] });
  });
});

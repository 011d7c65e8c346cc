import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { proveServer } from '@callhome/shared/ssh/client.js';
import { generateKeyPair, type KeyPair, signer } from '@callhome/shared/ssh/key-pair.js';
import { describe, expect, it } from 'vitest';
import { countExchanges, createRig, internals, logIn, subsystem, userKey } from './rig.js';
import { receive, send } from './transfer.js';

const rig = createRig();

const megabyte = 1024 * 1024;
const size = 50 * megabyte;
const unlimited = { bytes: Number.MAX_SAFE_INTEGER, seconds: 3600, timeoutSeconds: 20 };

const openBySsh2 = async (nms: Socket): Promise<Duplex> =>
  subsystem(await logIn(nms, userKey, { hostVerifier: () => true }));

async function openByCollector(nms: Socket, { publicKey }: KeyPair): Promise<Duplex> {
  const server = await proveServer(nms, watchLifecycle(nms, 20));
  expect(server.hostKey).toEqual(publicKey.blob);
  const keepalive = { maxWaitSeconds: 30, maxAttempts: 3 };
  const connection = await server.logIn({ user: 'callhome', key: signer(userKey), keepalive });
  return connection.openSession();
}

describe('keys are exchanged again', () => {
  it.each(['ssh2', 'our collector'])('in the middle of a transfer both ways with %s', async (peer) => {
    const { device, nms } = await rig.dial();
    const hostKey = generateKeyPair();
    const serving = rig.serve(device, { hostKeys: [hostKey], rekey: { ...unlimited, bytes: 4 * megabyte } });
    const openChannel = peer === 'ssh2' ? openBySsh2 : openByCollector;
    const channel = await openChannel(nms, hostKey);
    const { ended, end } = await serving;
    const [served] = rig.channels;
    if (!served) throw new Error('no channel');
    const exchanges = countExchanges(served);
    const arrived = Promise.all([receive(channel, size), receive(served, size)]);
    const sent = await Promise.all([send(served, size), send(channel, size)]);
    expect(await arrived).toEqual(sent);
    // 100 MB, 4 MB each; what is on its way adds to each.
    expect(exchanges()).toBeGreaterThan(8);
    end(new CallhomeError('CALLHOME_STOPPED', {}));
    expect(await ended).toMatchObject({ code: 'CALLHOME_STOPPED' });
  });

  it('after a time, on a quiet connection', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { rekey: { ...unlimited, seconds: 0.05 } });
    const client = await logIn(nms);
    await serving;
    await new Promise<void>((resolve) => {
      let exchanges = 0;
      client.on('handshake', () => {
        exchanges += 1;
        if (exchanges === 3) resolve();
      });
    });
    await subsystem(client);
    client.end();
  });

  it('and the peer that does not go on with it is cut off', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { rekey: { ...unlimited, seconds: 0.05, timeoutSeconds: 0.2 } });
    const client = await logIn(nms);
    Object.assign(internals(client, '_protocol'), { parse: () => undefined });
    expect(await (await serving).ended).toMatchObject({
      code: 'CALLHOME_HANDSHAKE_TIMEOUT',
      message: expect.stringContaining('new keys'),
    });
    expect(device.destroyed).toBe(true);
  });

  it('and the peer that starts it and does not go on is cut off', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { rekey: { ...unlimited, timeoutSeconds: 0.2 } });
    const client = await logIn(nms);
    const protocol = internals(client, '_protocol');
    (protocol['rekey'] as unknown as () => void).call(protocol);
    nms.removeAllListeners('data');
    expect(await (await serving).ended).toMatchObject({ code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
  });

  it('and the peer that asks without end meanwhile is cut off', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { rekey: { ...unlimited, seconds: 0.05 } });
    const client = await logIn(nms);
    const protocol = internals(client, '_protocol');
    const ask = protocol['ping'] as unknown as () => void;
    // It never answers the KEXINIT, and asks on.
    Object.assign(protocol, { parse: () => undefined });
    const { ended } = await serving;
    const asking = setInterval(() => {
      for (let asked = 0; asked < 1000; asked += 1) ask.call(protocol);
    }, 1);
    expect(await ended).toMatchObject({ code: 'CALLHOME_TRAFFIC_USELESS' });
    clearInterval(asking);
  });
});

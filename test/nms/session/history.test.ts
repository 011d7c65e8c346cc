import { once } from 'node:events';
import type { Socket } from 'node:net';
import { downOf, downWords } from '@callhome/nms/registry/down.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import { describe, expect, it } from 'vitest';
import { createRig, hostKey, serve } from './rig.js';

const rig = createRig();

/** As the collector names it, while it is connected. */
const addressOf = ({ localPort }: Socket) => `127.0.0.1 port ${localPort}`;

/** What is said of a device that is not there, and where it stands. */
async function down(id: string) {
  const device = await rig.registry.get(id);
  if (!device) throw new Error(`there is no ${id}`);
  const { connected } = await rig.collector.fleet.presence(id);
  const found = downOf(device, connected);
  return found && { kind: found.kind, words: downWords(found) };
}

describe('a device that is down', () => {
  it('has never called, is refused, connects and is lost, and each time says so', async () => {
    await rig.start();
    await rig.addDevice('router2', generateKeyPair());
    expect(await down('router1')).toEqual({ kind: 'never-called', words: 'has never called' });

    const failed = rig.logged('CALLHOME_AUTHENTICATION_FAILED');
    serve(await rig.call(), {
      onConnection: (connection) =>
        void connection
          .removeAllListeners('authentication')
          .on('authentication', (context) => context.reject(['password'])),
    });
    await failed;
    await rig.settled();
    expect(await down('router1')).toEqual({
      kind: 'refused',
      words: expect.stringMatching(/^called last at 20\S+Z and was refused: authentication of user/),
    });

    const connected = rig.logged('device connected');
    const socket = await rig.call();
    serve(socket);
    await connected;
    await rig.settled();
    expect(await down('router1')).toBeNull();

    const disconnected = rig.logged('device disconnected');
    socket.end();
    await disconnected;
    await rig.settled();
    expect(await down('router1')).toEqual({
      kind: 'lost',
      words: expect.stringMatching(/^was lost at 20\S+Z: the peer closed the connection/),
    });
    expect(await down('router2')).toEqual({ kind: 'never-called', words: 'has never called' });
  });
});

describe('the history', () => {
  it('has a connection with its address, key, end, and the bytes that passed both ways', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const socket = await rig.call();
    const remoteAddress = addressOf(socket);
    serve(socket);
    await connected;
    await rig.ask('router1');
    const live = (await rig.collector.fleet.presence('router1')).traffic;
    const disconnected = rig.logged('device disconnected');
    socket.end();
    await disconnected;
    await rig.settled();
    const [past, ...others] = await rig.registry.past.list('router1', 10);
    expect(others).toEqual([]);
    expect(past).toMatchObject({
      remoteAddress,
      hostKey: fingerprint(hostKey.publicKey.blob),
      code: 'CALLHOME_PEER_CLOSED',
    });
    expect(past?.bytes?.received).toBe(socket.bytesWritten);
    // The last that the collector sent may be lost with the connection.
    expect(past?.bytes?.sent).toBeGreaterThanOrEqual(live?.sent ?? Number.NaN);
    expect(live?.sent).toBeGreaterThan(1000);
  });

  it('has both connections after a takeover, the one that gave way with its reason', async () => {
    await rig.start();
    const connected = rig.logged('device connected');
    const first = await rig.call();
    const remoteAddresses = [addressOf(first)];
    serve(first);
    await connected;
    const replaced = rig.logged('CALLHOME_REPLACED');
    const again = rig.logged('device connected');
    const second = await rig.call();
    remoteAddresses.unshift(addressOf(second));
    serve(second);
    await Promise.all([replaced, again, once(first, 'close')]);
    const over = rig.logged('device disconnected');
    second.end();
    await over;
    await rig.settled();
    expect(await rig.registry.past.list('router1', 10)).toMatchObject([
      { remoteAddress: remoteAddresses[0], code: 'CALLHOME_PEER_CLOSED' },
      { remoteAddress: remoteAddresses[1], code: 'CALLHOME_REPLACED' },
    ]);
  });
});

import type { Collector } from '@callhome/nms/collector.js';
import type { Registry } from '@callhome/nms/registry/registry.js';
import { deferred } from '@callhome/shared/deferred.js';
import { expect, it } from 'vitest';
import { closed, createRig, type Rig, serve } from '../session/rig.js';

const rig: Rig = createRig();

/** Lets the device call a collector, and be connected there. */
async function connectTo(collector: Collector) {
  const connected = rig.logged('device connected');
  const socket = await rig.call(undefined, collector);
  serve(socket);
  await connected;
  await rig.settled();
  return { over: closed(socket), from: `127.0.0.1 port ${socket.localPort}` };
}

const isConnected = async (collector: Collector): Promise<boolean> =>
  (await collector.fleet.presence('router1')).connected;

async function record() {
  await rig.settled();
  return await rig.registry.get('router1');
}

it('a device that calls another collector is let go by the one that had it', async () => {
  const [a, b] = [await rig.start({ owner: 'a' }), await rig.start({ owner: 'b' })];
  const first = await connectTo(a);
  const replaced = rig.logged('CALLHOME_REPLACED');
  const second = await connectTo(b);
  expect(await replaced).toMatchObject({
    msg: 'device disconnected',
    reason: `the device called again, from ${second.from}`,
  });
  await first.over;
  expect([await isConnected(a), await isConnected(b)]).toEqual([false, true]);
  expect(await rig.ask('router1')).toContain('<ok/>');
  expect(await record()).toMatchObject({ state: 'connected', remoteAddress: second.from, connections: 2 });

  const back = rig.logged('CALLHOME_REPLACED');
  const third = await connectTo(a);
  await Promise.all([back, second.over]);
  expect([await isConnected(a), await isConnected(b)]).toEqual([true, false]);
  expect(await record()).toMatchObject({ state: 'connected', remoteAddress: third.from, connections: 3 });
});

it('a call that is not managed yet gives way to another collector too', async () => {
  const [a, b] = [await rig.start({ owner: 'a' }), await rig.start({ owner: 'b' })];
  const opened = deferred<void>();
  const socket = await rig.call(undefined, a);
  const over = closed(socket);
  serve(socket, { onChannel: () => opened.resolve() });
  await opened.promise;
  const failed = rig.logged('call failed');
  await connectTo(b);
  expect(await failed).toMatchObject({ code: 'CALLHOME_REPLACED', device: 'router1' });
  await over;
  expect(await isConnected(b)).toBe(true);
});

it('the end of a connection that is told late leaves the device to whoever has it by then', async () => {
  const late = deferred<void>();
  const told = deferred<void>();
  const slow = (registry: Registry): Registry => ({
    ...registry,
    async disconnected(...end) {
      await late.promise;
      await registry.disconnected(...end);
      told.resolve();
    },
  });
  const [a, b] = [await rig.start({ owner: 'a', wrap: slow }), await rig.start({ owner: 'b' })];
  const first = await connectTo(a);
  const second = await connectTo(b);
  await first.over;
  late.resolve();
  await told.promise;
  expect(await record()).toMatchObject({ state: 'connected', remoteAddress: second.from });
});

it('a collector that hears of no change keeps its connection, whose end leaves the other its own', async () => {
  const deaf = (registry: Registry): Registry => ({ ...registry, watch: () => () => undefined });
  const [a, b] = [await rig.start({ owner: 'a', wrap: deaf }), await rig.start({ owner: 'b' })];
  await connectTo(a);
  const second = await connectTo(b);
  expect([await isConnected(a), await isConnected(b)]).toEqual([true, true]);
  await a.stop();
  expect(await record()).toMatchObject({ state: 'connected', remoteAddress: second.from });
  await b.stop();
  expect(await record()).toMatchObject({ state: 'disconnected', reason: expect.any(String) });
});

it('whose life is over, and who comes back, leaves the other collectors what they have', async () => {
  const [a, b] = [await rig.start({ owner: 'a' }), await rig.start({ owner: 'b' })];
  await connectTo(a);
  const second = await connectTo(b);
  await rig.registry.release('a', {
    at: new Date().toISOString(),
    code: 'CALLHOME_STOPPED',
    reason: 'it is over',
  });
  expect(await record()).toMatchObject({ state: 'connected', remoteAddress: second.from });
  await a.stop();
  await rig.start({ owner: 'a' });
  expect(await record()).toMatchObject({ state: 'connected', remoteAddress: second.from });
  expect(await isConnected(b)).toBe(true);
  await rig.registry.release('b', {
    at: new Date().toISOString(),
    code: 'CALLHOME_STOPPED',
    reason: 'it is over',
  });
  expect(await record()).toMatchObject({ state: 'disconnected', reason: 'it is over' });
});

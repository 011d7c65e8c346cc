import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type ApiClient, createApiClient } from '@callhome/nms/northbound/http/client.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { head, readToClose, startTestApi, type TestApi, token } from './api.js';
import { channelPair, type FakeDevice, fakeDevice } from './fake-fleet.js';

let api: TestApi;
let client: ApiClient;
let device: FakeDevice;
/** The collector's end of the channel and the device's. */
let channel: Duplex;
let far: Duplex;

beforeEach(async () => {
  api = await startTestApi();
  client = createApiClient({ url: new URL(api.url), token, tokenFile: 'token' });
  device = fakeDevice();
  api.fleet.devices.set('on', device);
  [channel, far] = channelPair();
  device.onOpenSession = async () => channel;
});
afterEach(() => api.stop());

/** All that comes until this half ends; the other half stays as it is. */
async function received(stream: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece)).resume();
  await once(stream, 'end');
  return Buffer.concat(pieces);
}

test('every byte passes, both ways, and each half ends by itself', async () => {
  const socket = await client.netconf('on');
  const forth = randomBytes(3 << 20);
  const back = randomBytes(3 << 20);
  socket.end(forth);
  expect((await received(far)).equals(forth)).toBe(true);
  far.end(back);
  expect((await received(socket)).equals(back)).toBe(true);
});

test('what is sent along with the request is not lost', async () => {
  const socket = api.raw();
  socket.write(
    `${head('GET /v1/devices/on/netconf HTTP/1.1', 'Connection: Upgrade', 'Upgrade: netconf')}<hello/>`,
  );
  expect(String((await once(far, 'data'))[0])).toBe('<hello/>');
  far.end('<hello>there</hello>');
  const [headers, bytes] = (await readToClose(socket)).split('\r\n\r\n');
  expect(headers).toMatch(/^HTTP\/1.1 101 .*\r\nUpgrade: netconf/s);
  expect(bytes).toBe('<hello>there</hello>');
});

test('a caller that does not read holds the device back', async () => {
  const socket = await client.netconf('on');
  socket.pause();
  const piece = Buffer.alloc(1 << 20);
  const taken = () => new Promise((resolve) => far.write(piece, () => resolve('taken')));
  const stuck = () => new Promise((resolve) => setTimeout(resolve, 200, 'stuck'));
  let sent = 1;
  while ((await Promise.race([taken(), stuck()])) === 'taken') {
    sent++;
    expect(sent).toBeLessThan(64);
  }
  far.end();
  expect((await received(socket)).length).toBe(sent * piece.length);
});

test('a device that does not read holds the caller back', async () => {
  const socket = (await client.netconf('on')).on('error', () => undefined);
  const piece = Buffer.alloc(1 << 20);
  const taken = () => new Promise((resolve) => socket.write(piece, () => resolve('taken')));
  const stuck = () => new Promise((resolve) => setTimeout(resolve, 200, 'stuck'));
  let sent = 1;
  while ((await Promise.race([taken(), stuck()])) === 'taken') {
    sent++;
    expect(sent).toBeLessThan(64);
  }
  socket.end();
  expect((await received(far)).length).toBe(sent * piece.length);
});

test('a device that goes away in the middle is a reset for the caller, not an end', async () => {
  const socket = await client.netconf('on');
  far.write('<rpc-reply');
  await once(socket, 'data');
  channel.destroy(new CallhomeError('CALLHOME_CONNECTION_LOST', { why: 'gone' }));
  await expect(once(socket, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a channel that closes without an end is a reset too', async () => {
  const socket = await client.netconf('on');
  channel.destroy();
  await expect(once(socket, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a channel that ends because the connection is lost is a reset too', async () => {
  const socket = await client.netconf('on');
  far.end();
  channel.once('end', device.lose);
  await expect(once(socket.resume(), 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a caller that goes away closes the channel', async () => {
  const socket = await client.netconf('on');
  socket.resetAndDestroy();
  await once(channel, 'close');
});

test('a caller that goes away while the channel is being opened closes it too', async () => {
  const opening = new Promise<() => void>((asked) => {
    device.onOpenSession = () => new Promise((open) => asked(() => open(channel)));
  });
  const socket = api.raw().on('error', () => undefined);
  socket.write(head('GET /v1/devices/on/netconf HTTP/1.1', 'Connection: Upgrade', 'Upgrade: netconf'));
  const open = await opening;
  socket.resetAndDestroy();
  // The API has seen the reset when it answers a request that came after it.
  await client.devices();
  open();
  await once(channel, 'close');
});

test('a stop breaks the tunnels off at once: half a message does not look like all of it', async () => {
  const socket = await client.netconf('on');
  const broken = new Promise((resolve) => socket.once('error', resolve));
  await Promise.all([api.stop(10_000), once(channel, 'close')]);
  expect(await broken).toMatchObject({ code: 'ECONNRESET' });
  api = await startTestApi();
});

test('a device that refuses, is not connected or not there is told as such', async () => {
  device.onOpenSession = () =>
    Promise.reject(new CallhomeError('CALLHOME_CHANNEL_REFUSED', { why: 'too many', answered: true }));
  await expect(client.netconf('on')).rejects.toMatchObject({ facts: { code: 'CALLHOME_CHANNEL_REFUSED' } });
  await api.registry.add({ id: 'off', hostKeys: [], settings: { user: 'u' }, labels: {} });
  await expect(client.netconf('off')).rejects.toMatchObject({
    facts: { code: 'CALLHOME_DEVICE_NOT_CONNECTED' },
  });
  await expect(client.netconf('nobody')).rejects.toMatchObject({
    facts: { code: 'CALLHOME_DEVICE_UNKNOWN' },
  });
});

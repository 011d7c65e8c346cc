import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { takeOperations } from '@callhome/nms/northbound/http/operations.js';
import { maxOperation } from '@callhome/nms/northbound/http/schemas.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { head, readToClose, startTestApi, type TestApi } from './api.js';
import { type Asked, fakeDevice } from './fake-fleet.js';

const connections = { strangers: 64, callers: 64, tunnels: 2 };
const times = { headersTimeoutMs: 60_000, requestTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
let api: TestApi;
let asked: Asked[];

/** An API with room for one operation of the largest size, and two devices that answer when they are told. */
async function start(waitMs: number): Promise<void> {
  api = await startTestApi({
    limits: { connections, operations: { bytes: maxOperation, waitMs }, ...times },
  });
  asked = [];
  for (const id of ['one', 'two']) {
    const device = fakeDevice();
    device.onRequest = (request) => asked.push(request);
    api.fleet.devices.set(id, device);
  }
}
beforeEach(() => start(60_000));
afterEach(() => api.stop());

const large = `<edit-config><config>${`<x>${'y'.repeat(1000)}</x>`.repeat(16_500)}</config></edit-config>`;

/** Says that the largest operation comes, and sends enough of it that it takes room. */
async function begin(): Promise<Socket> {
  const socket = api.raw().on('error', () => undefined);
  const headers = [`Content-Length: ${large.length}`, 'Connection: close', 'Expect: 100-continue'];
  socket.write(head('POST /v1/devices/one/rpc HTTP/1.1', ...headers));
  await once(socket, 'readable');
  expect(String(socket.read())).toContain('100 Continue');
  socket.write(large.slice(0, 1_000_000));
  await turns();
  return socket;
}

/** Long enough for what has been sent on loopback to be read. */
async function turns(): Promise<void> {
  for (let i = 0; i < 500; i++) await nextTurn();
}

async function reached(count: number): Promise<Asked> {
  while (asked.length < count) await nextTurn();
  return asked[count - 1] as Asked;
}

const send = (device: string, operation: string, query = '') =>
  api.call('POST', `/v1/devices/${device}/rpc${query}`, operation);

test('an operation of 16 MB passes whole', async () => {
  expect(large.length).toBeGreaterThan(16_000_000);
  const answer = send('one', large);
  const { operation, answer: say } = await reached(1);
  expect(operation === large).toBe(true);
  say('<rpc-reply/>');
  expect((await answer).status).toBe(200);
});

describe('while a large operation is on its way', () => {
  test('small ones and other requests do not wait, and large ones wait until it has been handed over', async () => {
    const first = await begin();
    const second = send('two', large);
    const small = send('two', '<get/>');
    (await reached(1)).answer('<rpc-reply/>');
    expect((await small).status).toBe(200);
    expect((await api.call('GET', '/v1/devices')).status).toBe(200);
    expect(asked).toHaveLength(1);
    first.write(large.slice(1_000_000));
    const firstAsked = await reached(2);
    expect(firstAsked.operation === large).toBe(true);
    await turns();
    expect(asked).toHaveLength(2);
    firstAsked.options.onTaken?.();
    (await reached(3)).answer('<rpc-reply/>');
    expect((await second).status).toBe(200);
    firstAsked.answer('<rpc-reply/>');
    first.destroy();
  });

  test('large ones get the room of a caller that goes', async () => {
    const first = await begin();
    const second = send('two', large);
    await turns();
    expect(asked).toHaveLength(0);
    first.destroy();
    (await reached(1)).answer('<rpc-reply/>');
    expect((await second).status).toBe(200);
    expect(api.logged.join('')).not.toContain('failed');
  });

  test('large ones get the room of one that is refused', async () => {
    const first = await begin();
    const refused = readToClose(first);
    const second = send('two', large);
    first.write('</no>');
    expect(await refused).toMatch(/^HTTP\/1.1 400 /);
    (await reached(1)).answer('<rpc-reply/>');
    expect((await second).status).toBe(200);
  });

  test.each([
    ['the limit', 50, ''],
    ['their timeout', 60_000, '?timeout=0.05'],
  ])('large ones are refused after %s', async (_what, waitMs, query) => {
    await api.stop();
    await start(waitMs);
    const first = await begin();
    const second = api.raw().on('error', () => undefined);
    second.write(head(`POST /v1/devices/two/rpc${query} HTTP/1.1`, `Content-Length: ${large.length}`));
    second.write(large.slice(0, 100_000));
    const text = await readToClose(second);
    expect(text).toMatch(/^HTTP\/1.1 503 /);
    expect(text).toContain('CALLHOME_API_BUSY');
    expect((await api.call('GET', '/v1/status')).status).toBe(200);
    first.destroy();
  });
});

test.each([
  ['is deep', '<a>'.repeat(30_000)],
  ['is not well-formed', `<a></b>${' '.repeat(90_000)}`],
  ['begins with a long comment', `<!--${' '.repeat(90_000)}`],
])('an operation that %s is refused before it has come', async (_what, start) => {
  const socket = api.raw().on('error', () => undefined);
  socket.write(head('POST /v1/devices/one/rpc HTTP/1.1', 'Content-Length: 16000000'));
  socket.write(start);
  expect(await readToClose(socket)).toMatch(/^HTTP\/1.1 4(00|13) /);
});

test('an operation is read in turns with others, however much of it comes at once', async () => {
  const body = Buffer.from(`<get>${'<a/>'.repeat(250_000)}</get>`);
  const request = Object.assign(Readable.from([body]), { headers: {} });
  const operations = takeOperations({ bytes: maxOperation, waitMs: 1000 });
  let state: 'reading' | 'read' = 'reading';
  const reading = operations.read(request as never, 1000, new AbortController().signal).finally(() => {
    state = 'read';
  });
  let passed = 0;
  while (state === 'reading') {
    await nextTurn();
    passed += 1;
  }
  expect((await reading).operation.xml.equals(body)).toBe(true);
  expect(passed).toBeGreaterThan(20);
});

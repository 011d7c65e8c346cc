import { once } from 'node:events';
import { type ApiClient, createApiClient } from '@callhome/nms/northbound/http/client.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import type { RpcError } from '@callhome/shared/netconf/rpc-error.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { head, readToClose, startTestApi, type TestApi, token } from './api.js';
import { type Asked, type FakeDevice, fakeDevice } from './fake-fleet.js';

let api: TestApi;
let client: ApiClient;
let device: FakeDevice;

beforeEach(async () => {
  api = await startTestApi();
  client = createApiClient({ url: new URL(api.url), token, tokenFile: 'token' });
  await api.registry.add({ id: 'off', hostKeys: [], settings: { user: 'u' }, labels: {} });
  device = fakeDevice();
  api.fleet.devices.set('on', device);
});
afterEach(() => api.stop());

const reply = (content: string) =>
  `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">${content}</rpc-reply>`;
const errorOf = (severity: RpcError['severity']): RpcError => ({
  type: 'application',
  tag: 'operation-failed',
  severity,
});

/** The next request that reaches the device. */
function nextRequest(): Promise<Asked> {
  return new Promise((resolve) => {
    device.onRequest = resolve;
  });
}

async function textOf(body: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const piece of body) text += piece;
  return text;
}

test.each([
  ['ok', []],
  ['ok', [errorOf('warning')]],
  ['rpc-error', [errorOf('warning'), errorOf('error')]],
])('the reply passes through, and the outcome is %s', async (outcome, errors) => {
  device.onRequest = (asked) => asked.answer(reply(`<data>${asked.operation}</data>`), errors);
  const answer = await client.rpc('on', ' <get-config><source><running/></source></get-config>\n', 60);
  expect(await textOf(answer.body)).toBe(
    reply('<data><get-config><source><running/></source></get-config></data>'),
  );
  expect(answer.hasFailed()).toBe(outcome === 'rpc-error');
});

test('the first bytes are passed on before the last have come', async () => {
  const request = nextRequest();
  const waiting = client.rpc('on', '<get/>', 60);
  const asked = await request;
  asked.body.write('<rpc-reply>');
  const { body } = await waiting;
  expect(String((await once(body, 'data'))[0])).toBe('<rpc-reply>');
  asked.answer('</rpc-reply>');
  await once(body, 'end');
});

/** Writes what a caller that reads nothing leaves room for; the result is how many bytes. */
async function fill(body: Asked['body']): Promise<number> {
  const piece = Buffer.alloc(1 << 20, '~');
  const taken = () => new Promise((resolve) => body.write(piece, () => resolve('taken')));
  const stuck = () => new Promise((resolve) => setTimeout(resolve, 200, 'stuck'));
  let sent = 1;
  while ((await Promise.race([taken(), stuck()])) === 'taken') {
    sent++;
    expect(sent).toBeLessThan(64);
  }
  return sent * piece.length;
}

test('a device that produces faster than the caller reads is held back', async () => {
  const request = nextRequest();
  const socket = api.raw();
  socket.write(head('POST /v1/devices/on/rpc HTTP/1.1', 'Content-Length: 6', 'Connection: close'));
  socket.write('<get/>');
  const { body, answer } = await request;
  const sent = await fill(body);
  const text = readToClose(socket);
  answer('');
  expect((await text).split('~').length - 1).toBe(sent);
});

describe('a reply that ends early', () => {
  const error = new CallhomeError('CALLHOME_XML', { why: 'é\n😀' });
  const message = 'the reply of the device "on" was cut off: bad XML: é 😀';
  const logged = () => api.logged.map((line): unknown => JSON.parse(line));

  test('before the answer has begun is a problem, which names the device', async () => {
    device.onRequest = (asked) => {
      asked.body.write('<rpc-reply>');
      asked.cut(error);
    };
    const response = await api.call('POST', '/v1/devices/on/rpc', '<get/>');
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ code: error.code, message });
    expect(logged()).toContainEqual(
      expect.objectContaining({ level: 'warn', device: 'on', code: error.code, reason: 'bad XML: é 😀' }),
    );
  });

  test('is told in the trailers to a caller that reads them', async () => {
    const request = nextRequest();
    const waiting = client.rpc('on', '<get/>', 60);
    const asked = await request;
    asked.body.write('<rpc-reply>');
    const answer = await waiting;
    const text = textOf(answer.body);
    asked.cut(error);
    expect(await text).toBe('<rpc-reply>');
    expect(() => answer.hasFailed()).toThrow(
      expect.objectContaining({ message, facts: { code: error.code, message } }),
    );
    expect(logged()).toContainEqual(
      expect.objectContaining({ level: 'warn', device: 'on', code: error.code, reason: 'bad XML: é 😀' }),
    );
  });

  test('because its reader stalled is told when it reads again', async () => {
    const request = nextRequest();
    const socket = api.raw();
    const te = ['Connection: TE, close', 'TE: deflate, trailers;q=1', 'TE: trailers'];
    socket.write(head('POST /v1/devices/on/rpc HTTP/1.1', 'Content-Length: 6', ...te));
    socket.write('<get/>');
    const { body, cut } = await request;
    await fill(body);
    cut(new CallhomeError('CALLHOME_READER_STALLED', { seconds: 30 }));
    const why = 'the reply of the device \\"on\\" was cut off: the reply was not read for 30 s';
    const problem = `{"code":"CALLHOME_READER_STALLED","message":"${why}"}`;
    const text = await readToClose(socket);
    expect(text.slice(text.lastIndexOf('~'))).toBe(
      `~\r\n0\r\nCallhome-Outcome: failed\r\nCallhome-Error: ${problem}\r\n\r\n`,
    );
  });

  test('is cut for any other, never ended as if it were whole', async () => {
    const request = nextRequest();
    const waiting = api.call('POST', '/v1/devices/on/rpc', '<get/>');
    const asked = await request;
    asked.body.write('<rpc-reply>');
    const text = (await waiting).text();
    asked.cut(error);
    await expect(text).rejects.toThrow('terminated');
  });

  test('because its caller went away is nothing to log', async () => {
    const request = nextRequest();
    const socket = api.raw().on('error', () => undefined);
    socket.write(head('POST /v1/devices/on/rpc HTTP/1.1', 'Content-Length: 6'));
    socket.write('<get/>');
    const { options, body } = await request;
    body.write('<rpc-reply>');
    await once(socket, 'data');
    socket.destroy();
    await once(options.signal ?? new EventTarget(), 'abort');
    await client.device('off');
    expect(api.logged.join('')).not.toContain('reply');
  });
});

test('a caller that goes away aborts', async () => {
  const request = nextRequest();
  const socket = api.raw().on('error', () => undefined);
  socket.write(head('POST /v1/devices/on/rpc HTTP/1.1', 'Content-Length: 6'));
  socket.write('<get/>');
  const { options } = await request;
  expect(options.signal?.aborted).toBe(false);
  socket.destroy();
  await once(options.signal ?? new EventTarget(), 'abort');
});

test('the timeout is the one that the caller gives, in seconds', async () => {
  device.onRequest = (asked) => asked.answer(reply(String(asked.options.timeoutMs)));
  expect(await textOf((await client.rpc('on', '<get/>', 2.5)).body)).toContain('2500');
  expect(await (await api.call('POST', '/v1/devices/on/rpc', '<get/>')).text()).toContain('undefined');
  for (const query of ['?timeout=0', '?timeout=-1', '?timeout=x', '?timeout=1e9', '?timout=1']) {
    expect((await api.call('POST', `/v1/devices/on/rpc${query}`, '<get/>')).status).toBe(400);
  }
});

describe('is refused', () => {
  const refused = (operation: string, id = 'on') =>
    client.rpc(id, operation, 60).then(
      () => 'sent',
      (error) => error.facts,
    );

  test.each([
    '<close-session/>',
    '<lock><target><running/></target></lock>',
    '<n:unlock xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0"/>',
    '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>',
    '<establish-subscription xmlns="urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"/>',
    '<partial-lock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0"/>',
    '<!-- --><partial-unlock xmlns="urn:ietf:params:xml:ns:netconf:partial-lock:1.0"/>',
  ])('%s, which changes the shared session', async (operation) => {
    expect(await refused(operation)).toMatchObject({
      code: 'CALLHOME_OPERATION_REFUSED',
      message: expect.stringContaining('callhome-nms netconf on'),
    });
  });

  test.each([
    '',
    '<get',
    '<get/><get/>',
    '<get/></rpc><rpc message-id="1"><get/>',
    '<rpc><get/></rpc>',
    '<!DOCTYPE x><get/>',
  ])('%j, which is not one operation', async (operation) => {
    expect(await refused(operation)).toMatchObject({ code: 'CALLHOME_OPERATION_INVALID' });
  });

  test('bytes that are not UTF-8', async () => {
    const socket = api.raw();
    socket.write(head('POST /v1/devices/on/rpc HTTP/1.1', 'Content-Length: 8', 'Connection: close'));
    socket.write(Buffer.from('<get>\xff/>', 'latin1'));
    expect(await readToClose(socket)).toMatch(/^HTTP\/1.1 400 /);
  });

  test('an operation beyond the limit, by its length alone or while it comes', async () => {
    for (const length of [`Content-Length: ${17 << 20}`, 'Transfer-Encoding: chunked']) {
      const socket = api.raw();
      socket.write(head('POST /v1/devices/on/rpc HTTP/1.1', length));
      const answer = readToClose(socket);
      if (length.startsWith('T')) {
        const mebibyte = `100000\r\n${' '.repeat(1 << 20)}\r\n`;
        for (let i = 0; i < 17; i++) socket.write(mebibyte);
      }
      expect(await answer).toMatch(/^HTTP\/1.1 413 /);
    }
  });

  test('what goes to a device that is not connected, or not there', async () => {
    expect(await refused('<get/>', 'off')).toMatchObject({ code: 'CALLHOME_DEVICE_NOT_CONNECTED' });
    expect(await refused('<get/>', 'nobody')).toMatchObject({ code: 'CALLHOME_DEVICE_UNKNOWN' });
  });

  test.each([
    [new CallhomeError('CALLHOME_SESSION_CLOSED', { why: 'gone' }), 502],
    [new CallhomeError('CALLHOME_REPLY_TIMEOUT', { seconds: 60 }), 504],
  ])('by the session with %s', async (error, status) => {
    device.onRequest = () => {
      throw error;
    };
    const response = await api.call('POST', '/v1/devices/on/rpc', '<get/>');
    expect(response.status).toBe(status);
    const message = `the reply of the device "on" was cut off: ${error.message}`;
    expect(await response.json()).toEqual({ code: error.code, message });
  });
});

test('a stop gives answers under way their grace', async () => {
  const request = nextRequest();
  const waiting = client.rpc('on', '<get/>', 60);
  const asked = await request;
  asked.body.write('<rpc-reply>');
  const { body } = await waiting;
  const text = textOf(body);
  const stopped = api.stop(10_000);
  await expect(client.devices()).rejects.toMatchObject({ code: 'CALLHOME_API_UNREACHABLE' });
  asked.answer('</rpc-reply>');
  expect(await text).toBe('<rpc-reply></rpc-reply>');
  await stopped;
  api = await startTestApi();
});

import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { newToken } from '@callhome/nms/northbound/http/api-files.js';
import { isHostAllowed } from '@callhome/nms/northbound/http/host-header.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { head, readToClose, startTestApi, type TestApi, token } from './api.js';
import { channelPair, fakeDevice } from './fake-fleet.js';

const connections = { strangers: 3, callers: 3, tunnels: 2 };
const operations = { bytes: 16 << 20, waitMs: 100 };
let api: TestApi;
beforeEach(async () => {
  api = await startTestApi({
    limits: { connections, operations, headersTimeoutMs: 200, requestTimeoutMs: 400, idleTimeoutMs: 300 },
  });
});
afterEach(() => api.stop());

/** Sends bytes and gives the status line of the answer. */
async function send(text: string): Promise<string> {
  const socket = api.raw();
  socket.write(text, 'latin1');
  return (await readToClose(socket)).split('\r\n')[0] ?? '';
}

const request = (line: string, ...headers: string[]) =>
  `${[line, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`;
const bearer = `Authorization: Bearer ${token}`;

describe('the token', () => {
  test.each([
    ['none', undefined],
    ['an empty one', 'Bearer '],
    ['a wrong one', `Bearer ${'b'.repeat(43)}`],
    ['the beginning of it', `Bearer ${token.slice(1)}`],
    ['more than it', `Bearer ${token}a`],
    ['it under another scheme', `Basic ${token}`],
  ])('%s is 401, on every path', async (_what, authorization) => {
    for (const path of ['/v1/devices', '/v1/status', '/nowhere', '/v1/devices/a/rpc']) {
      const response = await fetch(api.url + path, {
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ code: 'CALLHOME_TOKEN_REFUSED' });
    }
  });

  test('wanting, there is no tunnel either', async () => {
    const upgrade = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: netconf'];
    expect(await send(`${['GET /v1/devices/a/netconf HTTP/1.1', ...upgrade].join('\r\n')}\r\n\r\n`)).toBe(
      'HTTP/1.1 401 Unauthorized',
    );
  });

  test('is never logged', async () => {
    await api.call('GET', '/v1/devices');
    await fetch(`${api.url}/v1/devices`, { headers: { authorization: 'Bearer wrong-token' } });
    expect(api.logged.join()).not.toContain(token);
    expect(api.logged.join()).not.toContain('wrong-token');
  });
});

describe("the token's file", () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callhome-token-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is for its owner alone, and another one at each start', async () => {
    const first = await newToken(folder);
    expect(Buffer.from(first, 'base64url')).toHaveLength(32);
    await chmod(join(folder, 'token'), 0o644);
    const second = await newToken(folder);
    expect(second).not.toBe(first);
    expect((await readFile(join(folder, 'token'), 'utf8')).trim()).toBe(second);
    expect((await stat(join(folder, 'token'))).mode & 0o777).toBe(0o600);
  });
});

describe('the Host header', () => {
  test.each(['localhost', 'LOCALHOST:8334', '127.0.0.1', '127.8.9.10:1', '[::1]', '[::1]:8334'])(
    '%s is let in',
    async (host) => {
      expect(await send(request('GET /v1/devices HTTP/1.1', `Host: ${host}`, bearer))).toBe(
        'HTTP/1.1 200 OK',
      );
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.0.2.1',
    '[2001:db8::1]',
    'a b',
    '',
  ])('%j is not, whatever the token', async (host) => {
    expect(await send(request('GET /v1/devices HTTP/1.1', `Host: ${host}`, bearer))).toBe(
      'HTTP/1.1 403 Forbidden',
    );
  });

  test('may be the configured address, or any address where the API listens on all', () => {
    expect(isHostAllowed('192.0.2.1:8334', '192.0.2.1')).toBe(true);
    expect(isHostAllowed('[2001:DB8::1]', '2001:db8::1')).toBe(true);
    expect(isHostAllowed('192.0.2.2', '192.0.2.1')).toBe(false);
    expect(isHostAllowed('192.0.2.2', '0.0.0.0')).toBe(true);
    expect(isHostAllowed('[2001:db8::1]:1', '::')).toBe(true);
    expect(isHostAllowed('evil.example', '::')).toBe(false);
    expect(isHostAllowed('[2001:db8::1]', '2001:DB8:0:0::1')).toBe(true);
    expect(isHostAllowed('192.0.2.2', '0::0')).toBe(true);
  });
});

describe('what no client would send', () => {
  test.each([
    ['a path upwards', '/v1/devices/../status'],
    ['an encoded path upwards', '/v1/devices/%2e%2e'],
    ['an encoded slash', '/v1/devices/a%2Fb'],
    ['a broken encoding', '/v1/devices/%zz'],
    ['bytes that are not UTF-8', '/v1/devices/%ff'],
    ['a double slash', '//v1/devices'],
    ['another origin', 'http://evil.example/v1/devices'],
    ['a name of Object', '/constructor'],
  ])('%s finds nothing', async (_what, path) => {
    expect(await send(request(`GET ${path} HTTP/1.1`, 'Host: localhost', bearer))).toMatch(
      /^HTTP\/1.1 40[04] /,
    );
  });

  test('a method that a path does not have is 405 and told which it has', async () => {
    const response = await api.call('POST', '/v1/devices/a', '{}');
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, PUT, PATCH, DELETE');
  });

  test('HTTP/1.0, which cannot tell a cut answer, is refused', async () => {
    expect(await send(request('GET /v1/devices HTTP/1.0', 'Host: localhost', bearer))).toMatch(/ 400 /);
  });

  test('an upgrade elsewhere, or to something else, or none where one is due, is 400', async () => {
    const upgrade = (to: string) => ['Connection: Upgrade', `Upgrade: ${to}`];
    const get = (path: string, ...headers: string[]) => send(head(`GET ${path} HTTP/1.1`, ...headers));
    expect(await get('/v1/devices', ...upgrade('netconf'))).toMatch(/ 400 /);
    expect(await get('/v1/devices/a/netconf', ...upgrade('websocket'))).toMatch(/ 400 /);
    expect(await get('/v1/devices/a/netconf', 'Connection: close')).toMatch(/ 400 /);
  });

  test.each([
    ['GET', '/v1/status?verbose', 'verbose'],
    ['GET', '/v1/devices?limit=10', 'limit'],
    ['GET', '/v1/devices/a?__proto__=1', '__proto__'],
    ['PUT', '/v1/devices/a?label=x', 'label'],
    ['DELETE', '/v1/devices/a?force=true', 'force'],
    ['POST', '/v1/devices/a/rpc?timeout=1&datastore=x', 'datastore'],
    ['POST', '/v1/devices/a/rpc?timeout=1&timeout=2', 'timeout'],
  ])('a parameter that is not taken is 400 and named: %s %s', async (method, path, parameter) => {
    const response = await api.call(method, path, ...(method === 'GET' ? [] : ['<get/>']));
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: 'CALLHOME_REQUEST_INVALID',
      message: expect.stringContaining(`"${parameter}"`),
    });
  });

  test('a parameter of a request for a tunnel is 400 too, and an empty query is none', async () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: netconf'];
    expect(await send(head('GET /v1/devices/a/netconf?x=1 HTTP/1.1', ...upgrade))).toMatch(/ 400 /);
    expect((await api.call('GET', '/v1/devices?')).status).toBe(200);
  });

  test("curl's upgrade to HTTP/2 is refused with the remedy", async () => {
    const socket = api.raw();
    socket.write(head('GET /v1/devices HTTP/1.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'));
    expect(await readToClose(socket)).toContain('curl: --http1.1');
  });

  test('a body beyond the limit is 413, and is not read to its end', async () => {
    const socket = api.raw();
    socket.write(head('PUT /v1/devices/a HTTP/1.1', 'Transfer-Encoding: chunked'));
    const answer = readToClose(socket);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    socket.write(chunk.repeat(5));
    expect(await answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test('headers beyond the limit are refused', async () => {
    expect(await send(head('GET /v1/devices HTTP/1.1', `X: ${'x'.repeat(20_000)}`))).toMatch(/ 431 /);
  });

  test('garbage is 400', async () => {
    expect(await send('\x16\x03\x01 hello?\r\n\r\n')).toMatch(/ 400 /);
  });
});

describe('who is slow', () => {
  test('with the headers is turned away', async () => {
    const socket = api.raw();
    socket.write('GET /v1/devices HTTP/1.1\r\nHost: loc');
    expect(await readToClose(socket)).toMatch(/^(HTTP\/1.1 408 |$)/);
  });

  test('with the body is turned away', async () => {
    const socket = api.raw();
    socket.write(head('PUT /v1/devices/a HTTP/1.1', 'Content-Length: 100'));
    const drip = setInterval(() => socket.write(' '), 50);
    expect(await readToClose(socket)).toMatch(/^(HTTP\/1.1 408 |$)/);
    clearInterval(drip);
    expect(api.logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });

  test('to read the answer is turned away', async () => {
    const device = { id: 'a', hostKeys: [], user: 'u', state: 'disconnected', connections: 0 } as const;
    const large = await startTestApi({
      registry: {
        ...api.registry,
        list: () => Readable.from([{ ...device, labels: { a: 'x'.repeat(32 << 20) } }]),
      },
      limits: { connections, operations, headersTimeoutMs: 200, requestTimeoutMs: 400, idleTimeoutMs: 300 },
    });
    const socket = large.raw().on('error', () => undefined);
    socket.write(head('GET /v1/devices HTTP/1.1'));
    await once(socket, 'readable');
    // There is room for one: others get in when this one has been turned away.
    const served = () => large.call('GET', '/v1/status').catch(() => undefined);
    while (!(await served())?.ok);
    socket.destroy();
    await large.stop();
  });

  test('to say anything at all is turned away', async () => {
    expect(await readToClose(api.raw())).toMatch(/^(HTTP\/1.1 408 |$)/);
  });
});

describe('connections', () => {
  const ask = head('GET /v1/status HTTP/1.1');

  test('of strangers, however many, leave room for those who have the token', async () => {
    const patient = await startTestApi({
      limits: {
        connections,
        operations,
        headersTimeoutMs: 60_000,
        requestTimeoutMs: 60_000,
        idleTimeoutMs: 60_000,
      },
    });
    const idle = Array.from({ length: 10 }, () => patient.raw().on('error', () => undefined));
    const [oldest] = idle;
    const gone = new Promise((resolve) => oldest?.resume().once('end', resolve));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    expect((await patient.call('GET', '/v1/status')).status).toBe(200);
    await gone;
    for (const socket of idle) socket.destroy();
    await patient.stop();
  });

  test('of callers beyond the limit are told so, and those within it are served', async () => {
    const callers = Array.from({ length: 3 }, () => api.raw());
    for (const socket of callers) {
      socket.write(ask);
      expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 200 /);
    }
    expect(await send(ask)).toMatch(/^HTTP\/1.1 503 /);
    callers[0]?.destroy();
    await once(callers[0] ?? api.raw(), 'close');
    await expect.poll(() => send(ask)).toMatch(/^HTTP\/1.1 200 /);
    for (const socket of callers) socket.destroy();
  });

  test('that carry sessions take no place of requests, and have a limit of their own', async () => {
    await api.registry.add({ id: 'on', hostKeys: [], labels: {} });
    const device = fakeDevice();
    const [near] = channelPair();
    device.onOpenSession = async () => near;
    api.fleet.devices.set('on', device);
    const upgrade = head('GET /v1/devices/on/netconf HTTP/1.1', 'Connection: Upgrade', 'Upgrade: netconf');
    const tunnels = Array.from({ length: 2 }, () => api.raw().on('error', () => undefined));
    for (const socket of tunnels) {
      socket.write(upgrade);
      expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 101 /);
    }
    expect(await send(upgrade)).toMatch(/^HTTP\/1.1 503 /);
    expect(await send(ask)).toMatch(/^HTTP\/1.1 200 /);
    for (const socket of tunnels) socket.destroy();
  });
});

test('connections are probed by TCP, so that a caller that vanished is noticed', async () => {
  const socket = api.raw();
  socket.write(head('GET /v1/status HTTP/1.1'));
  await once(socket, 'data');
  const hex = (port: number | undefined) => port?.toString(16).toUpperCase().padStart(4, '0');
  // Of the API's end: 01 is established, and timer 02 the keep-alive.
  const ends = new RegExp(`:${hex(api.port)} [0-9A-F]+:${hex(socket.localPort)} 01 \\S+ 02:`);
  expect(await readFile('/proc/net/tcp', 'utf8')).toMatch(ends);
  socket.destroy();
});

test('a port in use is one clear error', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await expect(startTestApi({ port })).rejects.toMatchObject({
    code: 'CALLHOME_PORT_IN_USE',
    facts: { port },
  });
  await expect(startTestApi({ address: '192.0.2.1' })).rejects.toMatchObject({
    code: 'CALLHOME_LISTEN_FAILED',
  });
  other.close();
});

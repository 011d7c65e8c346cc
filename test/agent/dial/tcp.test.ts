import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type DialOptions, dialTcp } from '@callhome/agent/dial/tcp.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepaliveTimer } from '../../programs/keepalive-timer.js';
import { createOwner } from '../../programs/owned.js';
import { startBlackHole } from './black-hole.js';

/** What the system's resolver says. */
const resolver = vi.hoisted(() => ({ addresses: [] as string[] | Promise<never> }));
vi.mock('@callhome/agent/dial/resolve.js', async (load) => {
  const { resolveName } = await load<typeof import('@callhome/agent/dial/resolve.js')>();
  return {
    resolveName: async (name: string, signal: AbortSignal) => {
      if (name !== 'nms.example') return await resolveName(name, signal);
      const givenUp = once(signal, 'abort').then(() => Promise.reject(new Error('it takes too long')));
      const addresses = await Promise.race([resolver.addresses, givenUp]);
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  };
});

const owned = createOwner();
const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
let stop: AbortController;
let sockets: Socket[];
let servers: Server[];

beforeEach(() => {
  stop = new AbortController();
  [sockets, servers] = [[], []];
  resolver.addresses = [];
});
afterEach(async () => {
  await Promise.all(sockets.filter(({ closed }) => !closed).map((socket) => once(socket.destroy(), 'close')));
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
});

async function listen(host: string, port = 0): Promise<{ port: number; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    sockets.push(socket.on('error', () => undefined));
  });
  servers.push(server);
  await once(server.listen(port, host), 'listening');
  return { port: (server.address() as AddressInfo).port, accepted };
}

/** A port at which nothing listens. */
async function closedPort(): Promise<number> {
  const { port } = await listen('127.0.0.1');
  const server = servers.pop();
  server?.close();
  if (server) await once(server, 'close');
  return port;
}

async function dial(options: Partial<DialOptions>): Promise<Socket> {
  const socket = await dialTcp({
    address: '127.0.0.1',
    port: 0,
    maxWaitSeconds: 5,
    signal: stop.signal,
    ...options,
  });
  sockets.push(socket);
  return socket;
}

/** The TCP sockets that this process has open. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

describe('the addresses of a name', () => {
  it('are all tried, and each one is told of with its answer', async () => {
    resolver.addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
    const port = await closedPort();
    await expect(dial({ address: 'nms.example', port })).rejects.toMatchObject({
      code: 'CALLHOME_DIAL_FAILED',
      message: `no TCP connection to nms.example port ${port}: ECONNREFUSED 127.0.0.1, ECONNREFUSED 127.0.0.2, ECONNREFUSED 127.0.0.3`,
    });
  });

  it('are told of in a message of bounded length, and tried without a warning, where they are many', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    const { port } = owned(await startBlackHole('127.0.0.1'));
    const before = openSockets();
    resolver.addresses = [...Array(100).keys()].map(() => '127.0.0.1');
    await expect(dial({ address: 'nms.example', port, maxWaitSeconds: 0.5 })).rejects.toMatchObject({
      code: 'CALLHOME_DIAL_TIMEOUT',
    });
    resolver.addresses = [...Array(100).keys()].map((n) => `127.0.1.${n}`);
    const error = await dial({ address: 'nms.example', port: await closedPort() }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'CALLHOME_DIAL_FAILED' });
    expect(String(error)).toMatch(/ECONNREFUSED 127\.0\.1\.0, .* and \d+ more$/);
    expect(String(error).length).toBeLessThan(400);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
    await expect.poll(openSockets).toBe(before);
  });

  it('are reached behind one that black-holes, at once', async () => {
    const hole = owned(await startBlackHole('127.0.0.2'));
    const { accepted } = await listen('127.0.0.1', hole.port);
    resolver.addresses = ['127.0.0.2', '127.0.0.1'];
    const start = performance.now();
    const socket = await dial({ address: 'nms.example', port: hole.port, maxWaitSeconds: 60 });
    expect(performance.now() - start).toBeLessThan(2000);
    expect(socket.remoteAddress).toBe('127.0.0.1');
    await expect.poll(() => accepted).toHaveLength(1);
  });

  it('are all told of when the time is up', async () => {
    const hole = owned(await startBlackHole('127.0.0.2'));
    const before = openSockets();
    resolver.addresses = ['127.0.0.2', '127.0.0.1'];
    await expect(
      dial({ address: 'nms.example', port: hole.port, maxWaitSeconds: 0.3 }),
    ).rejects.toMatchObject({
      code: 'CALLHOME_DIAL_TIMEOUT',
      message: `no TCP connection to nms.example port ${hole.port} within 0.3 s: ECONNREFUSED 127.0.0.1, no answer from 127.0.0.2`,
    });
    await expect.poll(openSockets).toBe(before);
  });

  it.runIf(ipv6)('are of both families: the second is tried after the first has refused', async () => {
    const { port } = await listen('127.0.0.1');
    resolver.addresses = ['::1', '127.0.0.1'];
    expect((await dial({ address: 'nms.example', port })).remoteAddress).toBe('127.0.0.1');
    const six = await listen('::1');
    resolver.addresses = ['127.0.0.1', '::1'];
    expect((await dial({ address: 'nms.example', port: six.port })).remoteAddress).toBe('::1');
  });
});

describe('a name that', () => {
  it('does not resolve is a failure with the reason', async () => {
    resolver.addresses = Promise.reject(new Error('the name nms.example cannot be resolved'));
    await expect(dial({ address: 'nms.example', port: 1 })).rejects.toMatchObject({
      code: 'CALLHOME_DIAL_FAILED',
      message: 'no TCP connection to nms.example port 1: the name nms.example cannot be resolved',
    });
  });

  it('takes too long to resolve is told of', async () => {
    resolver.addresses = new Promise(() => undefined);
    await expect(dial({ address: 'nms.example', port: 1, maxWaitSeconds: 0.1 })).rejects.toMatchObject({
      code: 'CALLHOME_DIAL_TIMEOUT',
      message: 'no TCP connection to nms.example port 1 within 0.1 s: it takes too long',
    });
  });
});

describe('a stop', () => {
  it.each([
    ['before the dialling', () => stop.abort(), ['127.0.0.1']],
    ['while the name is resolved', () => undefined, new Promise<never>(() => undefined)],
  ])('%s ends it', async (_when, before, addresses) => {
    const { port, accepted } = await listen('127.0.0.1');
    resolver.addresses = addresses;
    before();
    const dialling = dial({ address: 'nms.example', port });
    stop.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'CALLHOME_STOPPED' });
    expect(accepted).toEqual([]);
  });

  it('while addresses are tried ends all attempts', async () => {
    const hole = owned(await startBlackHole('127.0.0.1'));
    const before = openSockets();
    resolver.addresses = Array(3).fill('127.0.0.1');
    const dialling = dial({ address: 'nms.example', port: hole.port, maxWaitSeconds: 1 });
    dialling.catch(() => undefined);
    // maxWaitSeconds is short enough for all three to be under way by then.
    await expect.poll(openSockets).toBe(before + 3);
    stop.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'CALLHOME_STOPPED' });
    await expect.poll(openSockets).toBe(before);
  });
});

describe('the local address', () => {
  it('and port are those that the peer sees', async () => {
    const { port, accepted } = await listen('127.0.0.1');
    const localPort = await closedPort();
    const socket = await dial({ port, localAddress: '127.0.0.9', localPort });
    expect(socket.localAddress).toBe('127.0.0.9');
    await expect.poll(() => accepted).toHaveLength(1);
    expect(accepted[0]).toMatchObject({ remoteAddress: '127.0.0.9', remotePort: localPort });
  });

  it('may be any, with a port', async () => {
    const { port } = await listen('127.0.0.1');
    const localPort = await closedPort();
    expect(await dial({ port, localPort })).toMatchObject({ localAddress: '127.0.0.1', localPort });
    expect(await dial({ port, localAddress: '0.0.0.0' })).toMatchObject({ localAddress: '127.0.0.1' });
  });

  it('with a port serves for all addresses of the name', async () => {
    const hole = owned(await startBlackHole('127.0.0.2'));
    await listen('127.0.0.1', hole.port);
    resolver.addresses = ['127.0.0.3', '127.0.0.2', '127.0.0.1'];
    const localPort = await closedPort();
    const socket = await dial({
      address: 'nms.example',
      port: hole.port,
      localAddress: '127.0.0.9',
      localPort,
    });
    expect(socket).toMatchObject({ remoteAddress: '127.0.0.1', localPort });
  });

  it.runIf(ipv6)('chooses the family', async () => {
    const { port, accepted } = await listen('::1');
    await listen('127.0.0.1', port);
    resolver.addresses = ['::1', '127.0.0.1'];
    expect(await dial({ address: 'nms.example', port, localAddress: '0.0.0.0' })).toMatchObject({
      remoteAddress: '127.0.0.1',
    });
    expect(await dial({ address: 'nms.example', port, localAddress: '::' })).toMatchObject({
      remoteAddress: '::1',
    });
    await expect.poll(() => accepted).toHaveLength(1);
  });

  it.each([
    ['::1', ['127.0.0.1'], 'nms.example has no IPv6 address, which the local address ::1 needs'],
    [
      'fe80::1%lo',
      ['127.0.0.1'],
      'nms.example has no IPv6 address, which the local address fe80::1%lo needs',
    ],
    ['0.0.0.0', ['::1'], 'nms.example has no IPv4 address, which the local address 0.0.0.0 needs'],
    ['192.0.2.254', ['127.0.0.1', '127.0.0.2'], 'cannot use the local address 192.0.2.254: EADDRNOTAVAIL'],
  ])('%s that fits none of %j is an error that says so', async (localAddress, addresses, why) => {
    const { port } = await listen('127.0.0.1');
    resolver.addresses = addresses;
    await expect(dial({ address: 'nms.example', port, localAddress })).rejects.toMatchObject({
      code: 'CALLHOME_DIAL_FAILED',
      message: `no TCP connection to nms.example port ${port}: ${why}`,
    });
  });

  it.runIf(ipv6)('with a zone that does not exist is an error that says so', async () => {
    const { port } = await listen('::1');
    await expect(dial({ address: '::1', port, localAddress: 'fe80::1%none0' })).rejects.toThrow(
      /: cannot use the local address fe80::1%none0: E[A-Z]+$/,
    );
  });

  it('with a port that another program has is an error that says so', async () => {
    const { port } = await listen('127.0.0.1');
    const { port: localPort } = await listen('127.0.0.9');
    await expect(dial({ port, localAddress: '127.0.0.9', localPort })).rejects.toThrow(
      `: cannot use the local address 127.0.0.9 port ${localPort}: EADDRINUSE`,
    );
    await expect(dial({ port, localPort })).rejects.toThrow(
      `: cannot use the local port ${localPort}: EADDRINUSE`,
    );
  });
});

describe('the socket', () => {
  it('is as node:net connects it', async () => {
    const { port } = await listen('127.0.0.1');
    const socket = await dial({ port });
    const plain = connect(port, '127.0.0.1');
    sockets.push(plain);
    await once(plain, 'connect');
    const listeners = (of: Socket) => of.eventNames().map((name) => [name, of.listenerCount(name)]);
    expect(listeners(socket)).toEqual(listeners(plain));
    expect(socket.readableFlowing).toBe(null);
  });

  it.runIf(process.platform === 'linux')(
    'has TCP keep-alives after the idle time, where asked for',
    async () => {
      const { port } = await listen('127.0.0.1');
      expect(await keepaliveTimer(await dial({ port }))).toBe(undefined);
      expect(await keepaliveTimer(await dial({ port, keepaliveSeconds: 7200 }))).toBeGreaterThan(7100);
      expect(await keepaliveTimer(await dial({ port, keepaliveSeconds: 60 }))).toBeLessThanOrEqual(60);
    },
  );
});

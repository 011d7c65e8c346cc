import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dialTcp } from '@callhome/agent/dial/tcp.js';
import type { ProxyConfig } from '@callhome/shared/config/agent-config.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { requireRoot } from '../faults/require-root.js';
import { requirePeers } from './peers/require-peers.js';
import {
  type SocksProxyProgram,
  startDante,
  startMicrosocks,
  startOpensshProxy,
} from './peers/socks-proxies.js';

const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const sockets: Socket[] = [];
const servers: Server[] = [];
let port: number;

/** The peer, at both addresses that `localhost` may have: it says who it is at once, and then what it hears. */
beforeEach(async () => {
  port = 0;
  for (const host of ipv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.write('SSH-2.0-peer\r\n');
      socket.pipe(socket);
    });
    servers.push(server);
    await once(server.listen(port, host), 'listening');
    port = (server.address() as AddressInfo).port;
  }
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => once(server.close(), 'close')));
});

async function dial(proxy: ProxyConfig, address: string, at = port): Promise<Socket> {
  const signal = new AbortController().signal;
  const socket = await dialTcp({ address, port: at, maxWaitSeconds: 5, signal, proxy });
  sockets.push(socket);
  return socket;
}

/** All that the peer says arrives, its first bytes and a large echo. */
async function expectPeer(socket: Socket): Promise<void> {
  const echo = 'x'.repeat(1024 * 1024);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  await expect.poll(() => heard, { interval: 2 }).toBe('SSH-2.0-peer\r\n');
  socket.write(echo);
  await expect.poll(() => heard.length, { interval: 2 }).toBe('SSH-2.0-peer\r\n'.length + echo.length);
}

/** A port at which nothing listens any more. */
async function closedPort(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port: closed } = other.address() as AddressInfo;
  await once(other.close(), 'close');
  return closed;
}

requireRoot('Dante', 'danted')('through Dante', () => {
  let dante: SocksProxyProgram;
  beforeAll(async () => {
    dante = await startDante();
  });
  afterAll(() => dante.stop());
  const proxy = (kind: 'socks4' | 'socks5'): ProxyConfig => ({
    kind,
    address: '127.0.0.1',
    port: dante.port,
  });

  test.each([
    ['socks4', '127.0.0.1'],
    ['socks4', 'localhost'],
    ['socks5', '127.0.0.1'],
    ['socks5', 'localhost'],
  ] as const)('as %s the peer is reached at %s', async (kind, address) => {
    await expectPeer(await dial(proxy(kind), address));
  });

  test.each([
    ['socks4', /SOCKS 4 proxy .*: it says: the request is rejected, or has failed$/],
    ['socks5', /SOCKS 5 proxy .*: it says: the connection was refused$/],
  ] as const)('as %s a closed port is told of', async (kind, message) => {
    await expect(dial(proxy(kind), '127.0.0.1', await closedPort())).rejects.toMatchObject({
      code: 'CALLHOME_PROXY_FAILED',
      message: expect.stringMatching(message),
    });
  });

  test.runIf(ipv6)('as socks5 the peer is reached at its IPv6 address', async () => {
    await expectPeer(await dial(proxy('socks5'), '::1'));
  });

  test('what its rules forbid is told of', async () => {
    await expect(dial(proxy('socks5'), '127.0.0.66')).rejects.toThrow(
      'its rules do not allow the connection',
    );
  });

  test('credentials that it does not ask for stay here', async () => {
    const credentials = { username: 'router1', password: 'tr0ub4dor' };
    const login: ProxyConfig = { kind: 'socks5', address: '127.0.0.1', port: dante.port, credentials };
    await expect(dial(login, '127.0.0.1')).rejects.toThrow(': it takes no username and password');
  });
});

requirePeers('microsocks')('through MicroSocks, which asks for a password', () => {
  const credentials = { username: 'router1', password: 'tr0ub4dor' };
  let microsocks: SocksProxyProgram;
  beforeAll(async () => {
    microsocks = await startMicrosocks(credentials.username, credentials.password);
  });
  afterAll(() => microsocks.stop());
  const proxy = (given?: typeof credentials): ProxyConfig => ({
    kind: 'socks5',
    address: '127.0.0.1',
    port: microsocks.port,
    credentials: given,
  });

  test.each(['127.0.0.1', 'localhost'])('the peer is reached at %s', async (address) => {
    await expectPeer(await dial(proxy(credentials), address));
  });

  test('the wrong password is told of', async () => {
    await expect(dial(proxy({ ...credentials, password: 'guess' }), '127.0.0.1')).rejects.toMatchObject({
      code: 'CALLHOME_PROXY_FAILED',
      message: expect.stringMatching(/: it refused the username and password$/),
    });
  });

  test('no password is told of', async () => {
    await expect(dial(proxy(), '127.0.0.1')).rejects.toThrow(
      ': it wants authentication, and there are no credentials',
    );
  });

  test('a closed port is told of', async () => {
    await expect(dial(proxy(credentials), '127.0.0.1', await closedPort())).rejects.toThrow(
      ': it says: the connection was refused',
    );
  });
});

requirePeers('ssh', 'sshd')('through OpenSSH', () => {
  let ssh: SocksProxyProgram;
  beforeAll(async () => {
    ssh = await startOpensshProxy();
  });
  afterAll(() => ssh.stop());

  test.each([
    ['socks4', '127.0.0.1'],
    ['socks4a', '127.0.0.1'],
    ['socks4a', 'localhost'],
    ['socks5', '127.0.0.1'],
    ['socks5', 'localhost'],
  ] as const)('as %s the peer is reached at %s', async (kind, address) => {
    await expectPeer(await dial({ kind, address: '127.0.0.1', port: ssh.port }, address));
  });

  test.runIf(ipv6)('as socks5 the peer is reached at its IPv6 address', async () => {
    await expectPeer(await dial({ kind: 'socks5', address: '127.0.0.1', port: ssh.port }, '::1'));
  });

  test('a closed port is told of, by no answer at all', async () => {
    const proxy: ProxyConfig = { kind: 'socks5', address: '127.0.0.1', port: ssh.port };
    await expect(dial(proxy, '127.0.0.1', await closedPort())).rejects.toThrow(
      ': it closed the connection without an answer',
    );
  });

  test('credentials that it does not ask for stay here', async () => {
    const credentials = { username: 'router1', password: 'tr0ub4dor' };
    const login: ProxyConfig = { kind: 'socks5', address: '127.0.0.1', port: ssh.port, credentials };
    await expect(dial(login, '127.0.0.1')).rejects.toMatchObject({ code: 'CALLHOME_PROXY_FAILED' });
  });
});

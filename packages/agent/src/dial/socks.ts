import { isIP, isIPv4 } from 'node:net';
import type { ProxyConfig, ProxyCredentials } from '@callhome/shared/config/agent-config.js';

/** What the proxy is to connect to. */
export interface SocksTarget {
  /** A name or an IP address. */
  readonly address: string;
  readonly port: number;
}

/** What is sent, and how many bytes of the answer are then read: one more could be the peer's already. */
export interface SocksExchange {
  readonly send: Buffer;
  readonly read: number;
}

/**
 * The client's side of one dialogue, without a socket: it yields what to send and how much to read, takes just that
 * much, and returns when the proxy has connected. It throws, in words, where the proxy refuses or breaks the protocol.
 */
export type SocksDialogue = Generator<SocksExchange, void, Buffer>;

/** The dialogue that makes the proxy connect to the target. SOCKS 4 takes an IPv4 address alone. */
export function socksDialogue(proxy: ProxyConfig, target: SocksTarget): SocksDialogue {
  switch (proxy.kind) {
    case 'socks4':
      return socks4(socks4Request(target));
    case 'socks4a':
      return socks4(isIPv4(target.address) ? socks4Request(target) : socks4aRequest(target));
    case 'socks5':
      return socks5(target, proxy.credentials);
  }
}

/** How messages name the proxy. */
export function proxyName({ kind, address, port }: ProxyConfig): string {
  return `SOCKS ${kind.slice('socks'.length)} proxy ${address} port ${port}`;
}

const socks4Replies: Readonly<Record<number, string>> = {
  91: 'the request is rejected, or has failed',
  92: 'it cannot reach an identd here',
  93: 'the identd here reports another user',
};

/** RFC 1928 §6. */
const socks5Replies: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'its rules do not allow the connection',
  3: 'the network is unreachable',
  4: 'the host is unreachable',
  5: 'the connection was refused',
  6: 'the TTL expired',
  7: 'it does not know the command CONNECT',
  8: 'it does not know this type of address',
};

const noAuthentication = 0;
const usernamePassword = 2;
const nothingAcceptable = 0xff;

const addressType = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** The user name, which is empty, and its end. */
const noUser = Buffer.of(0);

function socks4Request({ address, port }: SocksTarget): Buffer {
  if (!isIPv4(address)) throw new Error(`SOCKS 4 takes IPv4 addresses alone, and ${address} is none`);
  return Buffer.concat([Buffer.of(4, 1), uint16(port), ipv4Bytes(address), noUser]);
}

/** SOCKS 4A: the address 0.0.0.1 says that a name follows. */
function socks4aRequest({ address, port }: SocksTarget): Buffer {
  if (isIP(address) !== 0) throw new Error(`SOCKS 4a takes no IPv6 address, as ${address} is: use SOCKS 5`);
  return Buffer.concat([
    ...[Buffer.of(4, 1), uint16(port), Buffer.of(0, 0, 0, 1), noUser],
    ...[nameBytes(address), Buffer.of(0)],
  ]);
}

function* socks4(request: Buffer): SocksDialogue {
  const [version, code = -1] = yield { send: request, read: 8 };
  if (version !== 0) throw new Error('it does not answer as a SOCKS 4 proxy does');
  if (code !== 90)
    throw new Error(`it says: ${socks4Replies[code] ?? `code ${code}, which SOCKS 4 does not have`}`);
}

function* socks5(target: SocksTarget, credentials: ProxyCredentials | undefined): SocksDialogue {
  const request = Buffer.concat([Buffer.of(5, 1, 0), socks5Address(target.address), uint16(target.port)]);
  const authentication = credentials && authenticationRequest(credentials);

  // The password would be optional for a proxy, or whoever answers in its place, that may choose to do without.
  const offered = authentication ? usernamePassword : noAuthentication;
  const [version, method] = yield { send: Buffer.of(5, 1, offered), read: 2 };
  expectSocks5(version);
  if (method === nothingAcceptable) {
    throw new Error(
      authentication
        ? 'it takes no username and password'
        : 'it wants authentication, and there are no credentials',
    );
  }
  if (method !== offered) throw new Error(`it chose authentication method ${method}, which was not offered`);

  if (authentication) {
    const [subversion, status] = yield { send: authentication, read: 2 };
    if (subversion !== 1) throw new Error('it does not answer the username and password as RFC 1929 says');
    if (status !== 0) throw new Error('it refused the username and password');
  }

  const [again, code = -1, reserved, type] = yield { send: request, read: 4 };
  expectSocks5(again);
  if (code !== 0)
    throw new Error(`it says: ${socks5Replies[code] ?? `code ${code}, which SOCKS 5 does not have`}`);
  if (reserved !== 0) throw new Error('its reply has another value than 0 where RFC 1928 reserves one');
  yield { send: Buffer.of(), read: (yield* boundAddressLength(type)) + 2 };
}

function expectSocks5(version: number | undefined): void {
  if (version !== 5) throw new Error('it does not answer as a SOCKS 5 proxy does');
}

/** How long the address is that the proxy dials from, which nobody here needs. */
function* boundAddressLength(type: number | undefined): Generator<SocksExchange, number, Buffer> {
  switch (type) {
    case addressType.ipv4:
      return 4;
    case addressType.ipv6:
      return 16;
    case addressType.name: {
      const [length = 0] = yield { send: Buffer.of(), read: 1 };
      return length;
    }
    default:
      throw new Error(`its reply has an address of type ${type}, which SOCKS 5 does not have`);
  }
}

/** RFC 1929 §2. */
function authenticationRequest({ username, password }: ProxyCredentials): Buffer {
  return Buffer.concat([
    Buffer.of(1),
    counted(Buffer.from(username), 'the username for it'),
    counted(Buffer.from(password), 'the password for it'),
  ]);
}

/** RFC 1928 §5. */
function socks5Address(address: string): Buffer {
  switch (isIP(address)) {
    case 4:
      return Buffer.concat([Buffer.of(addressType.ipv4), ipv4Bytes(address)]);
    case 6:
      return Buffer.concat([Buffer.of(addressType.ipv6), ipv6Bytes(address)]);
    default:
      return Buffer.concat([Buffer.of(addressType.name), counted(nameBytes(address), 'the name')]);
  }
}

function counted(bytes: Buffer, what: string): Buffer {
  if (bytes.length < 1 || bytes.length > 255) throw new Error(`${what} must have 1 to 255 bytes`);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

function nameBytes(name: string): Buffer {
  // In SOCKS 4A a zero byte is the end of the name.
  if (!/^[!-~]{1,255}$/.test(name)) throw new Error('the name must have 1 to 255 printable ASCII characters');
  return Buffer.from(name, 'latin1');
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function ipv6Bytes(address: string): Buffer {
  if (address.includes('%')) throw new Error(`the zone of ${address} means nothing to a proxy`);
  // A URL's host has the address in one form: groups of hexadecimal digits, at most one run of zeros left out.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(8 - front.length - back.length).fill('0');
  return Buffer.concat([...front, ...zeros, ...back].map((group) => uint16(Number.parseInt(group, 16))));
}

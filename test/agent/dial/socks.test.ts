import { BlockList } from 'node:net';
import { type SocksTarget, socksDialogue } from '@callhome/agent/dial/socks.js';
import type { ProxyConfig } from '@callhome/shared/config/agent-config.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const at = { address: 'proxy.example', port: 1080 };
const socks4: ProxyConfig = { kind: 'socks4', ...at };
const socks4a: ProxyConfig = { kind: 'socks4a', ...at };
const socks5: ProxyConfig = { kind: 'socks5', ...at };
const credentials = { username: 'router1', password: 'tr0ub4dor' };
const socks5Login: ProxyConfig = { kind: 'socks5', ...at, credentials };
const nms: SocksTarget = { address: 'nms.example', port: 4334 };
const nms4: SocksTarget = { address: '192.0.2.7', port: 4334 };

/** Holds the dialogue with a proxy that says `said` and no more: all that it was sent, and what of `said` is left. */
function converse(proxy: ProxyConfig, target: SocksTarget, said: Buffer) {
  const dialogue = socksDialogue(proxy, target);
  const sent: Buffer[] = [];
  let at = 0;
  for (let step = dialogue.next(); ; ) {
    if (step.done)
      return { sent: Buffer.concat(sent).toString('latin1'), left: said.subarray(at), wanted: 0 };
    const { send, read } = step.value;
    sent.push(send);
    expect(read).toBeGreaterThan(0);
    if (at + read > said.length)
      return { sent: Buffer.concat(sent).toString('latin1'), left: undefined, wanted: at + read };
    step = dialogue.next(said.subarray(at, at + read));
    at += read;
  }
}

const bytes = (...values: number[]) => Buffer.from(values);
const bound = bytes(0, 0, 0, 0, 0, 0);
const granted4 = bytes(0, 90, 0, 0, 0, 0, 0, 0);

describe('a SOCKS request', () => {
  it.each<[string, ProxyConfig, SocksTarget, Buffer, string]>([
    ['of SOCKS 4', socks4, nms4, granted4, '\x04\x01\x10\xee\xc0\x00\x02\x07\x00'],
    ['of SOCKS 4a', socks4a, nms, granted4, '\x04\x01\x10\xee\x00\x00\x00\x01\x00nms.example\x00'],
    ['of SOCKS 4a for an address', socks4a, nms4, granted4, '\x04\x01\x10\xee\xc0\x00\x02\x07\x00'],
    [
      'of SOCKS 5',
      socks5,
      nms,
      bytes(5, 0, 5, 0, 0, 1, ...bound),
      '\x05\x01\x00' + '\x05\x01\x00\x03\x0bnms.example\x10\xee',
    ],
    [
      'of SOCKS 5 for an IPv4 address',
      socks5,
      nms4,
      bytes(5, 0, 5, 0, 0, 1, ...bound),
      '\x05\x01\x00' + '\x05\x01\x00\x01\xc0\x00\x02\x07\x10\xee',
    ],
    [
      'of SOCKS 5 with credentials, which offers nothing else',
      socks5Login,
      nms,
      bytes(5, 2, 1, 0, 5, 0, 0, 1, ...bound),
      '\x05\x01\x02' + '\x01\x07router1\x09tr0ub4dor' + '\x05\x01\x00\x03\x0bnms.example\x10\xee',
    ],
  ])('%s', (_what, proxy, target, said, sent) => {
    expect(converse(proxy, target, said)).toMatchObject({ sent, left: Buffer.of() });
  });

  it('of SOCKS 5 has every IPv6 address as 16 bytes', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const { sent } = converse(socks5, { address, port: 1 }, bytes(5, 0));
        const request = Buffer.from(sent, 'latin1').subarray(3);
        expect(request.subarray(0, 4)).toEqual(bytes(5, 1, 0, 4));
        expect(request).toHaveLength(4 + 16 + 2);
        // The kernel's notion of the address is the judge.
        const same = new BlockList();
        same.addAddress(request.toString('hex', 4, 20).replace(/(.{4})(?!$)/g, '$1:'), 'ipv6');
        expect(same.check(address, 'ipv6')).toBe(true);
      }),
    );
  });

  it.each<[string, ProxyConfig, string, RegExp]>([
    ['a name in SOCKS 4', socks4, 'nms.example', /IPv4 addresses alone/],
    ['an IPv6 address in SOCKS 4', socks4, '2001:db8::1', /IPv4 addresses alone/],
    ['an IPv6 address in SOCKS 4a', socks4a, '2001:db8::1', /use SOCKS 5/],
    ['a zone', socks5, 'fe80::1%eth0', /zone/],
    ['a name of 256 bytes', socks5, 'x'.repeat(256), /1 to 255/],
    ['no name', socks5, '', /1 to 255/],
    ['a name with a zero byte', socks4a, 'nms\0.example', /ASCII/],
  ])('cannot hold %s', (_what, proxy, address, message) => {
    expect(() => converse(proxy, { address, port: 1 }, bytes())).toThrow(message);
  });

  it.each([
    ['username', ''],
    ['username', 'ü'.repeat(128)],
    ['password', ''],
    ['password', 'ü'.repeat(128)],
  ])('cannot hold a %s of a length that does not fit (%#)', (name, value) => {
    const proxy: ProxyConfig = { ...socks5, credentials: { ...credentials, [name]: value } };
    expect(() => converse(proxy, nms, bytes())).toThrow(
      new RegExp(`^the ${name} for it must have 1 to 255 bytes$`),
    );
  });
});

const byte = fc.integer({ min: 0, max: 255 });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const boundAddress = fc.oneof(
  exactly(4).map((address) => bytes(1, ...address)),
  exactly(16).map((address) => bytes(4, ...address)),
  fc.uint8Array({ maxLength: 255 }).map((name) => bytes(3, name.length, ...name)),
);
const consent5 = fc
  .tuple(boundAddress, exactly(2))
  .map(([address, port]) => bytes(5, 0, 0, ...address, ...port));
/** A proxy, and all that it says when it consents. */
const consent = fc.oneof(
  exactly(6).map((rest) => ({ proxy: socks4a, said: bytes(0, 90, ...rest) })),
  consent5.map((reply) => ({ proxy: socks5, said: Buffer.concat([bytes(5, 0), reply]) })),
  consent5.map((reply) => ({ proxy: socks5Login, said: Buffer.concat([bytes(5, 2, 1, 0), reply]) })),
);

describe('a SOCKS dialogue', () => {
  it("never asks for a byte that follows the proxy's consent, wherever the answer is split", () => {
    fc.assert(
      fc.property(consent, fc.uint8Array({ maxLength: 20 }), ({ proxy, said }, peer) => {
        expect(converse(proxy, nms, Buffer.concat([said, peer])).left).toEqual(Buffer.from(peer));
        for (let split = 0; split < said.length; split++) {
          const { left, wanted } = converse(proxy, nms, said.subarray(0, split));
          expect(left).toBeUndefined();
          expect(wanted).toBeGreaterThan(split);
          expect(wanted).toBeLessThanOrEqual(said.length);
        }
      }),
    );
  });

  it('reads a bounded answer or refuses it in words without the password, whatever the proxy says', () => {
    const opening = fc.constantFrom(
      bytes(),
      bytes(5, 0),
      bytes(5, 2, 1, 0),
      bytes(5, 2),
      bytes(5, 0, 5, 0, 0),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(socks4a, socks5, socks5Login),
        opening,
        fc.array(byte, { minLength: 300, maxLength: 300 }),
        (proxy, start, rest) => {
          const said = Buffer.concat([start, bytes(...rest)]);
          try {
            expect(converse(proxy, nms, said).left).toBeDefined();
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
            expect(String(error)).toMatch(/^Error: it/);
            expect(String(error)).not.toContain(credentials.password);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each<[string, ProxyConfig, Buffer]>([
    ['it says: the request is rejected, or has failed', socks4a, bytes(0, 91, 0, 0, 0, 0, 0, 0)],
    ['it says: it cannot reach an identd here', socks4a, bytes(0, 92, 0, 0, 0, 0, 0, 0)],
    ['it says: code 0, which SOCKS 4 does not have', socks4a, bytes(0, 0, 0, 0, 0, 0, 0, 0)],
    ['it does not answer as a SOCKS 4 proxy does', socks4a, bytes(4, 90, 0, 0, 0, 0, 0, 0)],
    ['it does not answer as a SOCKS 5 proxy does', socks5, Buffer.from('HTTP/1.1 400')],
    ['it wants authentication, and there are no credentials', socks5, bytes(5, 0xff)],
    ['it takes no username and password', socks5Login, bytes(5, 0xff)],
    ['it chose authentication method 0, which was not offered', socks5Login, bytes(5, 0)],
    ['it chose authentication method 2, which was not offered', socks5, bytes(5, 2)],
    ['it refused the username and password', socks5Login, bytes(5, 2, 1, 1)],
    ['it does not answer the username and password as RFC 1929 says', socks5Login, bytes(5, 2, 5, 0)],
    ['it does not answer as a SOCKS 5 proxy does', socks5, bytes(5, 0, 4, 0, 0, 1)],
    ['it says: general failure', socks5, bytes(5, 0, 5, 1, 0, 1)],
    ['it says: its rules do not allow the connection', socks5, bytes(5, 0, 5, 2, 0, 1)],
    ['it says: the network is unreachable', socks5, bytes(5, 0, 5, 3, 0, 1)],
    ['it says: the host is unreachable', socks5, bytes(5, 0, 5, 4, 0, 1)],
    ['it says: the connection was refused', socks5, bytes(5, 0, 5, 5, 0, 1)],
    ['it says: code 99, which SOCKS 5 does not have', socks5, bytes(5, 0, 5, 99, 0, 1)],
    ['its reply has another value than 0 where RFC 1928 reserves one', socks5, bytes(5, 0, 5, 0, 1, 1)],
    ['its reply has an address of type 2, which SOCKS 5 does not have', socks5, bytes(5, 0, 5, 0, 0, 2)],
  ])('"%s"', (message, proxy, said) => {
    expect(() => converse(proxy, nms, said)).toThrow(new Error(message));
  });
});

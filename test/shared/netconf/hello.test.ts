import {
  agreeFraming,
  base10,
  base11,
  createHelloCollector,
  helloMessage,
  parseClientHello,
  parseServerHello,
} from '@callhome/shared/netconf/hello.js';
import { describe, expect, it } from 'vitest';

const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
const capabilities = `<capabilities><capability>${base10}</capability></capabilities>`;
const refused = expect.objectContaining({ code: 'CALLHOME_HELLO' });

describe('hello', () => {
  it('reads what it writes', () => {
    const hello = { capabilities: [base10, 'urn:x?a=1&b=2'], sessionId: 4294967295 };
    expect(parseServerHello(Buffer.from(helloMessage(hello)))).toEqual(hello);
    expect(parseClientHello(Buffer.from(helloMessage({ capabilities: [base11] })))).toEqual({
      capabilities: [base11],
    });
  });

  it('reads one of old Junos, without a namespace', () => {
    const old = 'urn:ietf:params:xml:ns:netconf:base:1.0';
    const hello = parseServerHello(
      Buffer.from(
        `<hello><capabilities>\n<capability>\n${old}\n</capability></capabilities><session-id>7</session-id></hello>`,
      ),
    );
    expect(hello).toEqual({ capabilities: [old], sessionId: 7 });
    expect(agreeFraming([base10, base11], hello.capabilities)).toBe('end-of-message');
  });

  it('reads one with a prefix', () => {
    const xml =
      '<nc:hello xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"><nc:capabilities><nc:capability>a</nc:capability></nc:capabilities></nc:hello>';
    expect(parseClientHello(Buffer.from(xml)).capabilities).toEqual(['a']);
  });

  it.each(['', '0', '-1', '01', '4294967296', '99999999999', '1.5', 'x', '1 2'])(
    'refuses session-id "%s"',
    (id) => {
      const xml = Buffer.from(`<hello ${ns}>${capabilities}<session-id>${id}</session-id></hello>`);
      expect(() => parseServerHello(xml)).toThrow(refused);
    },
  );

  it('refuses a server without a session-id or with two, and a client with one', () => {
    const one = '<session-id>1</session-id>';
    expect(() => parseServerHello(Buffer.from(`<hello ${ns}>${capabilities}</hello>`))).toThrow(refused);
    expect(() => parseServerHello(Buffer.from(`<hello ${ns}>${capabilities}${one}${one}</hello>`))).toThrow(
      refused,
    );
    expect(() => parseClientHello(Buffer.from(`<hello ${ns}>${capabilities}${one}</hello>`))).toThrow(
      refused,
    );
  });

  it('refuses another message and another namespace', () => {
    expect(() => parseClientHello(Buffer.from(`<rpc ${ns}/>`))).toThrow(refused);
    expect(() => parseClientHello(Buffer.from('<hello xmlns="urn:other"/>'))).toThrow(refused);
  });

  it('agrees on chunks only when both have base:1.1, and on nothing without a common base', () => {
    expect(agreeFraming([base10, base11], [base11])).toBe('chunked');
    expect(agreeFraming([base10], [base10, base11])).toBe('end-of-message');
    expect(() => agreeFraming([base10], [base11])).toThrow(refused);
    expect(() => agreeFraming([base10, base11], [])).toThrow(refused);
  });
});

describe('what precedes the hello', () => {
  const xml = `<hello ${ns}>${capabilities}</hello>`;

  it.each([
    ['nothing', ''],
    ['a banner', '*** Authorised users only <é> & no one else ***\r\n'],
    ['a comment', '<!-- user ops, class super-user -->\n'],
    ['64 KiB', 'x'.repeat(64 * 1024)],
  ])('skips %s', (_name, banner) => {
    const collector = createHelloCollector();
    for (const byte of Buffer.from(banner + xml)) collector.append(Buffer.from([byte]));
    expect(collector.complete().toString()).toBe(xml);
  });

  it('keeps the XML declaration', () => {
    const collector = createHelloCollector();
    collector.append(Buffer.from(`banner\n<?xml version="1.0"?>${xml}`));
    expect(collector.complete().toString()).toBe(`<?xml version="1.0"?>${xml}`);
  });

  it('refuses more than 64 KiB of something else while it comes', () => {
    const collector = createHelloCollector();
    expect(() => {
      for (let i = 0; i < 3; i++) collector.append(Buffer.alloc(32 * 1024, 'x'));
    }).toThrow(refused);
  });

  it('refuses a banner that is a little longer', () => {
    const collector = createHelloCollector();
    collector.append(Buffer.from('x'.repeat(64 * 1024 + 1) + xml));
    expect(() => collector.complete()).toThrow(refused);
  });

  it('refuses a message without a hello', () => {
    const collector = createHelloCollector();
    collector.append(Buffer.from('ssh: command not found'));
    expect(() => collector.complete()).toThrow(refused);
  });
});

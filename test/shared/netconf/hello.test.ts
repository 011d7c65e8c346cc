import {
  agreeFraming,
  base10,
  base11,
  createClientHelloReader,
  createHelloFinder,
  createServerHelloReader,
  type HelloReader,
  helloMessage,
} from '@callhome/shared/netconf/hello.js';
import { describe, expect, it } from 'vitest';

const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
const capabilities = `<capabilities><capability>${base10}</capability></capabilities>`;
function parse<H>(reader: HelloReader<H>, xml: Buffer): H {
  reader.write(xml);
  return reader.end();
}
const parseServerHello = (xml: Buffer) => parse(createServerHelloReader(), xml);
const parseClientHello = (xml: Buffer) => parse(createClientHelloReader(), xml);
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

describe('a hello that is no hello of a device', () => {
  const read = (content: string) => {
    const reader = createServerHelloReader();
    const bytes = Buffer.from(`<hello ${ns}>${content}`);
    for (let at = 0; at < bytes.length; at += 4096) reader.write(bytes.subarray(at, at + 4096));
    return reader;
  };

  it.each([
    ['deep', '<a>'.repeat(600_000), 'CALLHOME_XML'],
    ['of very many elements', '<a/>'.repeat(500_000), 'CALLHOME_HELLO'],
    ['deep again and again', `${'<a>'.repeat(250)}${'</a>'.repeat(250)}`.repeat(1000), 'CALLHOME_XML'],
    ['long', `<a>${'x'.repeat(3_000_000)}`, 'CALLHOME_MESSAGE_TOO_LARGE'],
  ])('is refused before it ends where it is %s', (_what, content, code) => {
    expect(() => read(content)).toThrow(expect.objectContaining({ code }));
  });

  it('is told from one with thousands of capabilities', () => {
    const uris = Array.from({ length: 9000 }, (_, index) => `urn:example:m${index}?module=m${index}&amp;a=b`);
    const list = uris.map((uri) => `<capability>${uri}</capability>`).join('\n');
    const reader = read(`<capabilities>${list}</capabilities><session-id>1</session-id></hello>`);
    expect(reader.end().capabilities).toHaveLength(9000);
  });

  it('is told from one with elements of others, which are passed over', () => {
    const foreign = '<x xmlns="urn:x"><session-id>2</session-id></x><capability>urn:y</capability>';
    const reader = read(
      `${foreign}<capabilities><x:capability xmlns:x="urn:x">no</x:capability><capability> urn:<b>no</b>z\n</capability>` +
        `</capabilities><session-id>1</session-id></hello>`,
    );
    expect(reader.end()).toEqual({ capabilities: ['urn:z'], sessionId: 1 });
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
    const finder = createHelloFinder();
    const found = [...Buffer.from(banner + xml)].map((byte) => finder.push(Buffer.from([byte])).toString());
    finder.end();
    expect(found.join('')).toBe(xml);
  });

  it('keeps the XML declaration', () => {
    const found = createHelloFinder().push(Buffer.from(`banner\n<?xml version="1.0"?>${xml}`));
    expect(found.toString()).toBe(`<?xml version="1.0"?>${xml}`);
  });

  it('refuses more than 64 KiB of something else while it comes', () => {
    const finder = createHelloFinder();
    expect(() => {
      for (let i = 0; i < 3; i++) finder.push(Buffer.alloc(32 * 1024, 'x'));
    }).toThrow(refused);
  });

  it('refuses a banner that is a little longer', () => {
    const bytes = Buffer.from('x'.repeat(64 * 1024 + 1) + xml);
    expect(() => createHelloFinder().push(bytes)).toThrow(refused);
  });

  it('refuses a message without a hello', () => {
    const finder = createHelloFinder();
    finder.push(Buffer.from('ssh: command not found'));
    expect(() => finder.end()).toThrow(refused);
  });
});

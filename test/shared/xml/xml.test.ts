import {
  childElement,
  childElements,
  parseElement,
  serializeElement,
  textOf,
  type XmlElement,
} from '@callhome/shared/xml/element.js';
import { createXmlReader } from '@callhome/shared/xml/reader.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const refused = (why: RegExp) =>
  expect.objectContaining({ code: 'CALLHOME_XML', message: expect.stringMatching(why) });

/** What an element means, whatever its prefixes. */
function meaning(element: XmlElement): unknown {
  return {
    name: `{${element.namespace}}${element.name}`,
    attributes: element.attributes.map(({ namespace, name, value }) => `{${namespace}}${name}=${value}`),
    content: element.content
      .reduce<(string | XmlElement)[]>((parts, part) => {
        const last = parts.at(-1);
        if (typeof part === 'string' && typeof last === 'string') parts.splice(-1, 1, last + part);
        else parts.push(part);
        return parts;
      }, [])
      .map((part) => (typeof part === 'string' ? part : meaning(part))),
  };
}

describe('XML from outside', () => {
  it.each([
    ['a document type', '<!DOCTYPE a><a/>', /document type/],
    ['a document type with entities', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /document type/],
    ['an external entity', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /document type/],
    ['an undefined entity', '<a>&foo;</a>', /entity/],
    ['an undefined entity in an attribute', '<a b="&nbsp;"/>', /entity/],
    ['a reference to no character', '<a>&#0;</a>', /entity/],
    ['a reference to half a pair', '<a>&#xD800;</a>', /entity/],
    ['a control character', '<a>\u0001</a>', /disallowed/],
    ['CDATA end in text', '<a>]]></a>', /]]>/],
    ['two roots', '<a/><b/>', /root/],
    ['no root', '<!-- nothing -->', /root/],
    ['nothing', '', /root/],
    ['text beside the root', '<a/>b', /root/],
    ['crossed tags', '<a><b></a></b>', /close tag/],
    ['an open tag', '<a><b/>', /unclosed/],
    ['an unbound prefix', '<a:b/>', /prefix/],
    ['an attribute twice', '<a b="1" b="2"/>', /duplicate/],
    ['an attribute twice by namespace', '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>', /duplicate/],
    ['a late declaration', '<a/><?xml version="1.0"?>', /declaration/],
    ['an XML 1.1 control character', '<?xml version="1.1"?><a>&#1;</a>', /entity/],
    ['start tags that are held in sum', `<a b="${'x'.repeat(900_000)}">`.repeat(100), /open elements/],
    [
      'a long start tag',
      `<a ${Array.from({ length: 200 }, (_, i) => `b${i}="${'x'.repeat(9000)}"`).join(' ')}/>`,
      /start tag/,
    ],
    ['a depth bomb', '<a>'.repeat(100_000), /deep/],
    [
      'too many attributes',
      `<a ${Array.from({ length: 300 }, (_, i) => `b${i}=""`).join(' ')}/>`,
      /attributes/,
    ],
  ])('refuses %s', (_name, xml, why) => {
    expect(() => parseElement(xml)).toThrow(refused(why));
    expect(() => parseElement(Buffer.from(xml))).toThrow(refused(why));
  });

  it('refuses what expands into itself', () => {
    const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
    expect(() => parseElement(`<!DOCTYPE l [<!ENTITY l0 "lol">${lol}]><l>&l9;</l>`)).toThrow(
      refused(/document type/),
    );
  });

  it.each([
    ['a lone continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a truncated character', [0xe6, 0x97]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses UTF-8 with %s', (_name, bytes) => {
    const xml = Buffer.concat([Buffer.from('<a>'), Buffer.from(bytes), Buffer.from('</a>')]);
    expect(() => parseElement(xml)).toThrow(refused(/UTF-8/));
  });

  it.each([
    ['in a start tag', '<a b="'],
    ['in a comment', '<a><!-- '],
    ['in a processing instruction', '<a><?b '],
    ['in a reference', '<a>&'],
    ['in a name', '<'],
    ['in a document type', '<!DOCTYPE '],
  ])('does not hold without a bound %s that never ends', (_name, start) => {
    const reader = createXmlReader({ open() {}, close() {} });
    const piece = 'x'.repeat(64 * 1024);
    reader.write(start);
    expect(() => {
      for (let i = 0; i < 32; i++) reader.write(piece);
    }).toThrow(refused(/longer than/));
  });

  it('lets text of any length pass that nobody wants', () => {
    const reader = createXmlReader({ open() {}, close() {} });
    reader.write('<a>');
    for (let i = 0; i < 64; i++) reader.write('x'.repeat(64 * 1024));
    reader.write('</a>');
    expect(() => reader.end()).not.toThrow();
  });

  it('hands out a CDATA section while it arrives, and holds none of it', () => {
    const pieces: string[] = [];
    const reader = createXmlReader({ open() {}, close() {}, text: (piece) => pieces.push(piece) });
    reader.wantText(true);
    reader.write('<a><![CDATA[');
    const piece = `]${'x'.repeat(64 * 1024)}]]`;
    for (let i = 1; i <= 64; i++) {
      reader.write(piece);
      // what may be the end of the section is known with what follows it
      expect(pieces.join('')).toHaveLength(i * piece.length - 2);
    }
    reader.write(']]>b</a>');
    reader.end();
    expect(pieces.join('')).toBe(`${piece.repeat(64)}b`);
  });

  it('lets a CDATA section of any length pass that nobody wants', () => {
    let closed = false;
    const reader = createXmlReader({
      open() {},
      close() {
        closed = true;
      },
    });
    reader.write('<a><![CDATA[');
    for (let i = 0; i < 64; i++) reader.write('</a>'.repeat(16 * 1024));
    expect(closed).toBe(false);
    reader.write(']]></a>');
    reader.end();
    expect(closed).toBe(true);
  });

  it('keeps errors short, however long the name in them', () => {
    expect(() => parseElement(`<${'x'.repeat(100_000)}:y/>`)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{1,300}$/) }),
    );
  });

  it('accepts a byte order mark, a declaration, comments and processing instructions', () => {
    const root = parseElement(
      Buffer.from(
        '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- é --><?p q?>\n<?xml version="1.0"?><a>b<!-- c --><?d?>e</a>\n',
      ),
    );
    expect(textOf(root)).toBe('be');
  });

  it('resolves namespaces, references and CDATA', () => {
    const root = parseElement(
      '<p:a xmlns:p="u" xmlns="v" c="&lt;&#65;"><b p:d="1"> &amp;<![CDATA[<x>]]> </b><b xmlns=""/></p:a>',
    );
    expect(root).toMatchObject({
      name: 'a',
      namespace: 'u',
      attributes: [{ name: 'c', namespace: '', value: '<A' }],
    });
    expect(childElements(root).map((b) => [b.namespace, textOf(b)])).toEqual([
      ['v', '&<x>'],
      ['', ''],
    ]);
    expect(childElement(root, '', 'b')?.namespace).toBe('');
    expect(childElement(root, 'u', 'b')).toBeUndefined();
  });

  it('knows what a prefix means after an element that gave it another meaning', () => {
    const seen: string[] = [];
    const reader = createXmlReader({ open: (tag) => seen.push(`${tag.local} ${tag.uri}`), close() {} });
    const inner = '<p:b xmlns:p="2" xmlns="3"><p:c xmlns=""><d/></p:c><d/><e xmlns:p="4"/><p:f/></p:b>';
    reader.write(`<p:a xmlns:p="1">${inner}<p:g/><h/><constructor:i xmlns:constructor="5"/>`);
    expect(seen).toEqual(['a 1', 'b 2', 'c 2', 'd ', 'd 3', 'e 3', 'f 2', 'g 1', 'h ', 'i 5']);
    expect(() => reader.write('<constructor:j/>')).toThrow(refused(/unbound/));
  });
});

describe('serialised XML', () => {
  const name = fc.constantFrom('a', 'b', 'name', 'x-y');
  const prefix = fc.constantFrom('', 'p', 'q');
  const value = fc
    .string({ unit: 'grapheme' })
    .map((s) => s.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, ''));
  const escaped = (s: string) => s.replace(/[&<>"\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
  const tree: fc.Arbitrary<string> = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(
        prefix,
        name,
        fc.option(value),
        fc.array(fc.oneof({ depthSize: 'small' }, value.map(escaped), tie('element')), { maxLength: 4 }),
        fc.constantFrom('', ' xmlns="u"', ' xmlns=""', ' xmlns:p="v" '),
      )
      .map(([p, n, v, content, ns]) => {
        const tag = p === '' ? n : `${p}:${n}`;
        return `<${tag}${ns}${v === null ? '' : ` q:k="${escaped(v)}"`}>${content.join('')}</${tag}>`;
      }),
  })).element;

  it('means the same, also when an inner element is taken out', () => {
    fc.assert(
      fc.property(tree, (xml) => {
        const outer = parseElement(`<p:r xmlns:p="pp" xmlns:q="qq" xmlns="dd">${xml}</p:r>`);
        for (const element of [
          outer,
          ...childElements(outer),
          ...childElements(outer).flatMap(childElements),
        ]) {
          const again = parseElement(
            `<around xmlns="other" xmlns:p="wrong">${serializeElement(element)}</around>`,
          );
          expect(childElements(again).map(meaning)).toEqual([meaning(element)]);
        }
      }),
    );
  });

  it('keeps the declarations that only values use', () => {
    const outer = parseElement('<a xmlns:if="urn:if" xmlns:no="urn:no"><type>if:ethernet</type></a>');
    const [type] = childElements(outer);
    expect(type && serializeElement(type)).toBe('<type xmlns="" xmlns:if="urn:if">if:ethernet</type>');
  });
});

import { createMessageReader } from '@callhome/shared/netconf/message-reader.js';
import type { RpcError } from '@callhome/shared/netconf/rpc-error.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';

function read(
  bytes: Buffer,
  cuts: readonly number[],
): { root: string; data: string; errors: readonly RpcError[] } {
  let root = '';
  const pieces: Buffer[] = [];
  const reader = createMessageReader({
    root(tag) {
      root = tag.local;
      return 'read';
    },
    data: (piece) => pieces.push(Buffer.from(piece)),
  });
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [i, from] of [0, ...at].entries()) reader.write(bytes.subarray(from, at[i] ?? bytes.length));
  const errors = reader.end();
  return { root, data: Buffer.concat(pieces).toString(), errors };
}

const around = fc
  .array(
    fc.constantFrom(' ', '\r\n', '<!-- é <a> -->', '<!---->', '<?p <rpc-reply> ?>', '<!-- 😀 - -> ]]> -->'),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));
const content = fc
  .array(
    fc.constantFrom(
      'é',
      '日本',
      '😀',
      '<a/>',
      '<a b="é&gt;">x</a>',
      '<![CDATA[</rpc-reply>]]>',
      '<!-- 😀 </rpc-reply> -->',
      '\r\n',
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
const error = '<rpc-error><error-message>é<![CDATA[<😀>]]>&amp;</error-message></rpc-error>';

it('hands out exactly the root element, under any segmentation', () => {
  fc.assert(
    fc.property(
      around,
      fc.constantFrom('', '\ufeff'),
      fc.constantFrom('', '<?xml version="1.0" encoding="UTF-8"?>'),
      content,
      fc.nat({ max: 2 }),
      around,
      fc.array(fc.nat(), { maxLength: 60 }),
      (before, mark, declaration, inner, errorCount, after, cuts) => {
        const element = `<rpc-reply ${ns}\r\nmessage-id='é'>${inner}${error.repeat(errorCount)}</rpc-reply >`;
        const result = read(Buffer.from(mark + before + declaration + before + element + after), cuts);
        expect(result.root).toBe('rpc-reply');
        expect(result.data).toBe(element);
        expect(result.errors.map(({ message }) => message)).toEqual(Array(errorCount).fill('é<😀>&'));
      },
    ),
    { numRuns: 300 },
  );
});

it('hands out nothing before it is known what it belongs to', () => {
  const seen: string[] = [];
  const reader = createMessageReader({
    root() {
      seen.push('root');
      return 'read';
    },
    data: (piece) => seen.push(piece.toString()),
  });
  for (const piece of ['\n<!-', '- x --', '>\n<rpc', '-reply', '>', 'a', '</rpc-reply>', '\n']) {
    reader.write(Buffer.from(piece));
  }
  expect(seen).toEqual(['root', '<rpc-reply>', 'a', '</rpc-reply>']);
});

it('hands out slices, not copies', () => {
  const message = Buffer.from('\n<a>b</a>\n');
  const pieces: Buffer[] = [];
  createMessageReader({ root: () => 'read', data: (piece) => pieces.push(piece) }).write(message);
  expect(pieces.map((piece) => [piece.toString(), piece.buffer === message.buffer])).toEqual([
    ['<a>b</a>', true],
  ]);
});

it.each(['<!-- ', '<?p ', ' ', '<a b="'])('does not hold a beginning without a bound: %j', (start) => {
  const reader = createMessageReader({ root: () => 'read', data() {} });
  reader.write(Buffer.from(start));
  expect(() => {
    for (let i = 0; i < 100_000; i++) reader.write(Buffer.from(' '));
  }).toThrow(expect.objectContaining({ code: 'CALLHOME_MESSAGE_TOO_LARGE' }));
});

it('does not hold an end without a bound, nor reads it', () => {
  const reader = createMessageReader({ root: () => 'read', data() {} });
  reader.write(Buffer.from('<a/>'));
  expect(() => {
    for (let i = 0; i < 100; i++) reader.write(Buffer.from(' '.repeat(1000)));
  }).toThrow(expect.objectContaining({ code: 'CALLHOME_MESSAGE_TOO_LARGE' }));
});

it('reads nothing behind the start tag of what is to be skipped, whatever the tag holds', () => {
  const pieces: Buffer[] = [];
  const reader = createMessageReader({ root: () => 'skip', data: (piece) => pieces.push(piece) });
  reader.write(Buffer.from(`<!-- > --><a b='>'`));
  reader.write(Buffer.from(` c=">">& this is <no XML`));
  reader.write(Buffer.from('\u0001'));
  expect(pieces).toEqual([]);
});

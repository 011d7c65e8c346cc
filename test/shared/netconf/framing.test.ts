import { createDeframer, type Framing, frameMessage } from '@callhome/shared/netconf/framing.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Deframes and keeps all messages whole. */
function collector(framing: Framing, onEnd: (count: number) => void = () => undefined) {
  const messages: string[] = [];
  let pieces: Buffer[] = [];
  let delivered = 0;
  const deframer = createDeframer({
    data(piece) {
      delivered += piece.length;
      pieces.push(Buffer.from(piece));
    },
    end() {
      messages.push(Buffer.concat(pieces).toString());
      pieces = [];
      onEnd(messages.length);
    },
  });
  deframer.use(framing);
  return { messages, deframer, delivered: () => delivered, rest: () => Buffer.concat(pieces).toString() };
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

function feed(framing: Framing, bytes: Buffer, cuts: readonly number[] = []): string[] {
  const { deframer, messages } = collector(framing);
  for (const segment of cut(bytes, cuts)) deframer.push(segment);
  return messages;
}

const nearMiss = fc.constantFrom(
  ']',
  ']]',
  ']]>',
  ']]>]',
  ']]>]]',
  ']]]>]]',
  '>',
  '\n#',
  '\n##\n',
  '\n#1\n',
  'é',
  '日本',
  '😀',
  'a',
);
const text = fc
  .array(fc.oneof(nearMiss, fc.string({ unit: 'grapheme' })), { minLength: 1, maxLength: 20 })
  .map((p) => p.join(''));
const cuts = fc.array(fc.nat(), { maxLength: 40 });

describe('framing', () => {
  it('gives back what was framed, chunked, under any segmentation', () => {
    fc.assert(
      fc.property(
        fc.array(
          text.filter((t) => t.length > 0),
          { maxLength: 5 },
        ),
        cuts,
        (messages, at) => {
          const bytes = Buffer.concat(messages.map((m) => frameMessage(m, 'chunked')));
          expect(feed('chunked', bytes, at)).toEqual(messages);
        },
      ),
    );
  });

  it('gives back what was framed, end of message, under any segmentation, and refuses what it cannot carry', () => {
    const delimiter = ']]>]]>';
    fc.assert(
      fc.property(
        fc.array(
          text.filter((t) => t.length > 0),
          { maxLength: 5 },
        ),
        cuts,
        (messages, at) => {
          const fit = messages.filter((m) => {
            const carried = (m + delimiter).indexOf(delimiter) === m.length;
            if (!carried) expect(() => frameMessage(m, 'end-of-message')).toThrow(/\]\]>\]\]>/);
            return carried;
          });
          const bytes = Buffer.concat(fit.map((m) => frameMessage(m, 'end-of-message')));
          expect(feed('end-of-message', bytes, at)).toEqual(fit);
        },
      ),
    );
  });

  it('holds back at most five bytes of what may be a delimiter', () => {
    fc.assert(
      fc.property(text, cuts, (message, at) => {
        const { deframer, delivered, messages } = collector('end-of-message');
        let fed = 0;
        for (const segment of cut(Buffer.from(message), at)) {
          deframer.push(segment);
          fed += segment.length;
          if (messages.length === 0) expect(fed - delivered()).toBeLessThanOrEqual(5);
        }
      }),
    );
  });

  it('hands out slices, not copies', () => {
    const segment = frameMessage('<a/>', 'chunked');
    const seen: Buffer[] = [];
    const deframer = createDeframer({ data: (piece) => seen.push(piece), end() {} });
    deframer.use('chunked');
    deframer.push(segment);
    expect(seen.map((piece) => piece.buffer === segment.buffer)).toEqual([true]);
  });

  it('turns to chunks between two messages of one segment', () => {
    const { deframer, messages } = collector(
      'end-of-message',
      (count) => count === 1 && deframer.use('chunked'),
    );
    deframer.push(Buffer.from('<hello/>]]>]]>\n#4\n<a/>\n##\n\n#2\n<b\n#2\n/>\n##\n'));
    expect(messages).toEqual(['<hello/>', '<a/>', '<b/>']);
  });

  it('accepts white space between chunked messages', () => {
    expect(feed('chunked', Buffer.from(' \r\n\n#1\na\n##\n\n\n#1\nb\n##\n'))).toEqual(['a', 'b']);
  });

  it('takes chunks of one byte across characters', () => {
    const bytes = Buffer.from('日本😀');
    const chunks = [...bytes].map((byte) => Buffer.concat([Buffer.from('\n#1\n'), Buffer.from([byte])]));
    expect(feed('chunked', Buffer.concat([...chunks, Buffer.from('\n##\n')]))).toEqual(['日本😀']);
  });

  it.each([
    ['size 0', '\n#0\n'],
    ['a leading zero', '\n#00012\n'],
    ['a size above the limit', '\n#4294967296\n'],
    ['a size that never ends', `\n#${'1'.repeat(1000)}`],
    ['a sign', '\n#+1\na'],
    ['hexadecimal', '\n#1f\n'],
    ['no LF before #', '#1\na'],
    ['CR LF', '\r\n#1\r\na'],
    ['a space before #', '\n #1\na'],
    ['white space between chunks', '\n#1\na \n#1\nb'],
    ['two LF between chunks', '\n#1\na\n\n#1\nb'],
    ['no chunk', '\n##\n'],
    ['a wrong end', '\n#1\na\n##x'],
    ['a wrong size', '\n#1\nab'],
    ['XML', '<rpc/>'],
    ['end of message', '\n#1\na]]>]]>'],
  ])('refuses %s, wherever it is cut', (_name, bytes) => {
    for (let at = 0; at <= bytes.length; at++) {
      expect(() => feed('chunked', Buffer.from(bytes), [at])).toThrow(
        expect.objectContaining({ code: 'CALLHOME_FRAMING' }),
      );
    }
  });

  it('accepts the largest chunk size and waits for its data', () => {
    const { deframer, rest } = collector('chunked');
    deframer.push(Buffer.from('\n#4294967295\nabc'));
    expect(rest()).toBe('abc');
  });

  it('never does anything but refuse garbage', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array(),
            nearMiss.map((t) => new TextEncoder().encode(t)),
          ),
          { maxLength: 30 },
        ),
        fc.constantFrom<Framing>('chunked', 'end-of-message'),
        (segments, framing) => {
          const { deframer } = collector(framing);
          try {
            for (const segment of segments) deframer.push(Buffer.from(segment));
          } catch (error) {
            expect(error).toMatchObject({ code: 'CALLHOME_FRAMING' });
          }
        },
      ),
    );
  });

  it('does linear work on single bytes of near misses', () => {
    const { deframer, delivered } = collector('end-of-message');
    const byte = Buffer.from(']');
    // quadratic work would not end within the time limit of a test
    for (let i = 0; i < 1_000_000; i++) deframer.push(byte);
    deframer.push(Buffer.from('>'.repeat(10)));
    expect(delivered()).toBe(1_000_010);
  });

  it.each<Framing>(['chunked', 'end-of-message'])('refuses to frame an empty message (%s)', (framing) => {
    expect(() => frameMessage('', framing)).toThrow(expect.objectContaining({ code: 'CALLHOME_FRAMING' }));
  });
});

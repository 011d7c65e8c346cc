import { decodeUtf8 } from './text.js';

/** A line without its end, or why it cannot be had. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string };

const lineFeed = 0x0a;

/**
 * The lines of UTF-8 text while it arrives. One that is too long is passed over.
 * @param maxBytes of a line
 */
export async function* readLines(pieces: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  const buffer = Buffer.allocUnsafeSlow(maxBytes);
  let number = 1;
  let length = 0;

  function end(): Line {
    const line = { number };
    const isTooLong = length > maxBytes;
    const bytes = buffer.subarray(0, length);
    length = 0;
    number += 1;
    if (isTooLong) return { ...line, problem: `the line is longer than ${maxBytes} bytes` };
    try {
      return { ...line, text: decodeUtf8(bytes) };
    } catch {
      return { ...line, problem: 'it is not UTF-8 text' };
    }
  }

  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const found = piece.indexOf(lineFeed, at);
      const part = piece.subarray(at, found < 0 ? piece.length : found);
      part.copy(buffer, Math.min(length, maxBytes));
      length += part.length;
      at += part.length + 1;
      if (found >= 0) yield end();
    }
  }
  if (length > 0) yield end();
}

import { readLines } from '@callhome/shared/lines.js';
import { expect, test } from 'vitest';

async function linesOf(bytes: Buffer, size: number): Promise<unknown[]> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const lines: unknown[] = [];
  for await (const line of readLines(pieces(), 8)) lines.push('text' in line ? line.text : line);
  return lines;
}

const invalid = Buffer.concat([Buffer.from('a\n\n12345678\n123456789\n'), Buffer.from([0xfc, 0x0a])]);

test.each([1, 2, 3, 7, 100])('lines come the same in pieces of %i bytes', async (size) => {
  expect(await linesOf(Buffer.concat([invalid, Buffer.from('üü\nend')]), size)).toEqual([
    'a',
    '',
    '12345678',
    { number: 4, problem: 'the line is longer than 8 bytes' },
    { number: 5, problem: 'it is not UTF-8 text' },
    'üü',
    'end',
  ]);
  expect(await linesOf(Buffer.from('a\n'), size)).toEqual(['a']);
  expect(await linesOf(Buffer.from('123456789012345678'), size)).toHaveLength(1);
  expect(await linesOf(Buffer.alloc(0), size)).toEqual([]);
});

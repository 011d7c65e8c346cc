import { expectedCall } from '@callhome/nms/cli/expected-call.js';
import { expect, test } from 'vitest';

/** Times of calls, seconds before the last. */
const before = (...seconds: number[]) =>
  [...seconds, 0].map((s) => new Date(Date.UTC(2026, 0, 1) - s * 1000).toISOString());

test.each([
  [[], 12, 'It has called once, 12 s ago.'],
  [
    // Three at a time, as our agent does.
    [61, 60.9, 60.8, 30, 29.9, 29.8],
    12,
    'It called 12 s ago, and its last pauses were up to 31 s: expect it within 19 s, or somewhat later where its pauses grow.',
  ],
  [
    [600],
    700,
    'It called 12 min ago, and its last pauses were up to 10 min: it waits longer by now, or calls no more.',
  ],
  [
    [10_800],
    3600,
    'It called 60 min ago, and its last pauses were up to 3 h: expect it within 2 h, or somewhat later where its pauses grow.',
  ],
  // Of a clock that differs.
  [[], -5, 'It has called once, 0 s ago.'],
])('from calls %j s before the last, and that %d s ago: %s', (seconds, ago, words) => {
  const lastCalls = before(...seconds);
  const lastSeen = lastCalls.at(-1) ?? '';
  expect(expectedCall({ lastCalls, lastSeen }, Date.parse(lastSeen) + ago * 1000)).toBe(words);
});

import { expectedCall } from '@callhome/nms/cli/expected-call.js';
import { expect, test } from 'vitest';

const lastSeen = '2026-01-01T01:00:00.000Z';

test.each([
  [null, 12, 'It has called once, 12 s ago.'],
  [
    '2026-01-01T00:59:30.000Z',
    12,
    'It called 12 s ago, and 30 s before that: if it keeps to that, it calls again in 18 s.',
  ],
  [
    '2026-01-01T00:50:00.000Z',
    700,
    'It called 12 min ago, and 10 min before that: it is late, waits longer from call to call, or calls no more.',
  ],
  [
    '2025-12-31T22:00:00.000Z',
    3600,
    'It called 60 min ago, and 3 h before that: if it keeps to that, it calls again in 2 h.',
  ],
  // Of a clock that differs.
  [null, -5, 'It has called once, 0 s ago.'],
])('from a call at %s and one %d s ago: %s', (previousSeen, ago, words) => {
  expect(expectedCall({ previousSeen, lastSeen }, Date.parse(lastSeen) + ago * 1000)).toBe(words);
});

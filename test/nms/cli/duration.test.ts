import { durationText, secondsArgument } from '@callhome/nms/cli/duration.js';
import { expect, test } from 'vitest';

const read = secondsArgument(10 * 86_400);

test.each([
  ['1s', 1],
  ['30s', 30],
  ['5m', 300],
  ['2h', 7200],
  ['7d', 604_800],
  ['10d', 864_000],
])('%s is a time', (text, seconds) => {
  expect(read(text)).toBe(seconds);
});

test.each(['', '5', 'h', '0s', '-1h', '1.5h', '1 h', '1w', '1H', '1h30m', '11d', `${'9'.repeat(30)}s`])(
  '%j is none',
  (text) => {
    expect(() => read(text)).toThrow('30s, 5m, 2h or 7d');
  },
);

test.each([
  [0, '0s'],
  [59, '59s'],
  [60, '1m 0s'],
  [3599, '59m 59s'],
  [3600, '1h 0m'],
  [86_399, '23h 59m'],
  [86_400, '1d 0h'],
  [100 * 86_400 + 3599, '100d 0h'],
])('%d seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

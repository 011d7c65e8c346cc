import { isFlapping } from '@callhome/nms/registry/flapping.js';
import { expect, test } from 'vitest';

const now = Date.parse('2026-03-04T05:00:00.000Z');
const rule = { ends: 3, minutes: 10 };

/** Ends so many minutes ago, the latest first. */
const ago = (...minutes: number[]) =>
  minutes.map((minute) => ({
    at: new Date(now - minute * 60_000).toISOString(),
    code: 'CALLHOME_PEER_CLOSED',
  }));
const stop = (minutes: number) => ago(minutes).map(({ at }) => ({ at, code: 'CALLHOME_STOPPED' }));

test.each([
  ['none', [], false],
  ['too few', ago(1, 2), false],
  ['just enough', ago(1, 2, 3), true],
  ['more than enough', ago(1, 2, 3, 4, 5), true],
  ['enough at the edge of the time', ago(1, 2, 10), true],
  ['enough, of which one is too old', ago(1, 2, 10.001), false],
  ['many, long ago', ago(60, 61, 62, 63), false],
  ['enough, of which one is a stop of the collector', [...ago(1), ...stop(2), ...ago(3)], false],
  ['enough besides a stop of the collector', [...stop(1), ...ago(2, 3, 4)], true],
  ['enough by a clock that was set back since', ago(-5, -4, -3), true],
])('%s', (_what, ends, flapping) => {
  expect(isFlapping(ends, rule, now)).toBe(flapping);
});

import { likelyClone, recentTakeovers, type Takeover } from '@callhome/nms/identity/clones.js';
import { expect, it } from 'vitest';

const minute = 60_000;

/** A device whose connections come from these hosts, one each minute. */
function takeoversOf(hosts: readonly string[]): Takeover[] {
  return hosts.slice(1).map((to, index) => ({ at: index * minute, from: hosts[index] ?? '', to }));
}

it.each([
  ['one that has moved', 'a b', undefined],
  ['one that moved and came back', 'a b a', undefined],
  ['one that roams', 'a b c d e f g h', undefined],
  ['two that take turns', 'a b a b a', 'b'],
  ['two that go on', 'a b a b a b a b', 'a'],
  ['three that take turns', 'a b c a b c', 'b'],
])('%s: %s', (_what, hosts, other) => {
  const takeovers = takeoversOf(hosts.split(' '));
  const now = takeovers.at(-1)?.at ?? 0;
  expect(likelyClone(takeovers, now)).toBe(other);
  expect(likelyClone(recentTakeovers(takeovers, now), now)).toBe(other);
});

it('is forgotten when they have stopped for ten minutes', () => {
  const takeovers = takeoversOf('a b a b a'.split(' '));
  expect(likelyClone(takeovers, 9 * minute)).toBe('b');
  expect(likelyClone(takeovers, 10 * minute)).toBeUndefined();
  expect(recentTakeovers(takeovers, 13 * minute)).toEqual([]);
});

import { admit, type Newcomer, sourceOf } from '@callhome/nms/listen/admission.js';
import { describe, expect, it } from 'vitest';

const limits = { maxConnections: 100, maxHandshakes: 4, handshakeTimeoutSeconds: 30 };

/** Newcomers such as `a1 a2! b3`: of these sources, each a second before the next; `!` has spoken. */
function newcomersOf(text: string): Set<Newcomer & { name: string }> {
  return new Set(
    text.split(' ').map((name, index) => ({
      name,
      source: name.charAt(0),
      silent: !name.endsWith('!'),
      since: index * 1000,
    })),
  );
}

it.each([
  ['there is room', 'a1 a2 a3', 'a', 'admitted'],
  ['all is one source and another calls', 'a1 a2 a3 a4', 'b', 'instead of a1'],
  ['all is one source, that speaks, and another calls', 'a1! a2! a3! a4!', 'b', 'instead of a4!'],
  ['the silent one of the source that has most goes first', 'a1! a2 a3! b4', 'b', 'instead of a2'],
  ['all have their share', 'a1! a2! b3! b4!', 'b', 'refused'],
  ['none has more than one above the other', 'a1! a2! b3! c4!', 'b', 'refused'],
  ['one source has all and calls again: the longest silent', 'a1! a2 a3 a4', 'a', 'instead of a2'],
  ['one source has all, that speaks, and calls again', 'a1! a2! a3! a4!', 'a', 'refused'],
  ['one source has all, and the silent one is new', 'a1! a2! a3! a4', 'a', 'refused'],
])('%s: %s, and %s calls: %s', (_what, newcomers, source, expected) => {
  const verdict = admit(
    { connections: 10, newcomers: newcomersOf(newcomers), fewDescriptors: false },
    limits,
    source,
    3200,
  );
  const text =
    verdict.kind === 'refused' || !verdict.insteadOf ? verdict.kind : `instead of ${verdict.insteadOf.name}`;
  expect(text).toBe(expected);
  if (verdict.kind === 'refused') expect(verdict.rule).toBe('too-many-handshakes');
});

it('takes no more than so many connections, whoever they are', () => {
  expect(
    admit({ connections: 100, newcomers: new Set<Newcomer>(), fewDescriptors: false }, limits, 'a', 0),
  ).toEqual({
    kind: 'refused',
    rule: 'too-many-connections',
  });
});

it('takes none where the descriptors that are left are for other things', () => {
  expect(
    admit({ connections: 0, newcomers: new Set<Newcomer>(), fewDescriptors: true }, limits, 'a', 0),
  ).toEqual({ kind: 'refused', rule: 'too-few-descriptors' });
});

describe('the source of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::2:3:4:5:6', '1:0:0:2::/64'],
    ['fe80::1:2:3:4%eth0', 'fe80:0:0:0::/64'],
  ])('%s is %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});

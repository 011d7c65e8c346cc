import { downOf, downWords } from '@callhome/nms/registry/down.js';
import { expect, test } from 'vitest';

type Known = Parameters<typeof downOf>[0];

const at = (minute: number) => `2026-03-04T05:${String(minute).padStart(2, '0')}:00.000Z`;

const key = { type: 't', blob: 'b', fingerprint: 'SHA256:f', origin: 'added' as const };
const fresh: Known = { hostKeys: [], state: 'disconnected', connections: 0 };
const lost: Known = {
  ...fresh,
  hostKeys: [{ ...key, learnedAt: at(0) }],
  connections: 1,
  disconnectedAt: at(10),
  reason: 'the peer closed the connection',
  recentEnds: [
    { at: at(10), code: 'CALLHOME_PEER_CLOSED' },
    { at: at(5), code: 'CALLHOME_REPLACED' },
  ],
};
const failed = (minute: number) => ({
  lastAttempt: {
    at: at(minute),
    remoteAddress: '192.0.2.1 port 5',
    stage: 'session' as const,
    code: 'CALLHOME_HELLO',
    reason: 'no hello',
  },
});
const neither = { at: null, code: null, reason: null };
const refused = (minute: number) => ({
  kind: 'refused' as const,
  at: at(minute),
  code: 'CALLHOME_HELLO',
  reason: 'no hello',
});
const wasLost = {
  kind: 'lost' as const,
  since: at(10),
  at: at(10),
  code: 'CALLHOME_PEER_CLOSED',
  reason: 'the peer closed the connection',
};

test.each<[string, Known, ReturnType<typeof downOf>, string]>([
  [
    'without a key has never called, since who knows when',
    fresh,
    { kind: 'never-called', since: null, ...neither },
    'has never called',
  ],
  [
    'with keys has never called since the first of them is known',
    {
      ...fresh,
      hostKeys: [
        key,
        { ...key, learnedAt: at(2) },
        { ...key, learnedAt: at(1) },
        { ...key, learnedAt: at(3) },
      ],
    },
    { kind: 'never-called', since: at(1), ...neither },
    'has never called',
  ],
  [
    'whose connection has ended is lost',
    lost,
    wasLost,
    'was lost at 2026-03-04T05:10:00.000Z: the peer closed the connection',
  ],
  [
    'is lost too when nothing of that connection is kept',
    { ...fresh, connections: 1, disconnectedAt: at(10), reason: 'gone' },
    { ...wasLost, code: null, reason: 'gone' },
    'was lost at 2026-03-04T05:10:00.000Z: gone',
  ],
  [
    'is lost, and no more is known, while the end is not kept yet',
    { ...lost, state: 'connected' },
    { kind: 'lost', since: null, ...neither },
    'was lost',
  ],
  [
    'whose only call failed is refused since it is known',
    { ...fresh, hostKeys: [{ ...key, learnedAt: at(0) }], ...failed(3) },
    { ...refused(3), since: at(0) },
    'called last at 2026-03-04T05:03:00.000Z and was refused: no hello',
  ],
  [
    'whose call failed after its connection is refused, and has been away since that',
    { ...lost, ...failed(12) },
    { ...refused(12), since: at(10) },
    'called last at 2026-03-04T05:12:00.000Z and was refused: no hello',
  ],
  [
    'whose call failed beside its connection is lost, when that ends',
    { ...lost, ...failed(9) },
    wasLost,
    'was lost at 2026-03-04T05:10:00.000Z: the peer closed the connection',
  ],
])('a device %s', (_what, device, down, words) => {
  const found = downOf(device, false);
  expect(found).toEqual(down);
  expect(found && downWords(found)).toBe(words);
  expect(downOf(device, true)).toBeNull();
});

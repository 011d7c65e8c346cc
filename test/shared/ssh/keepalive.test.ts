import { type KeepalivePolicy, keepaliveStep, type Silence } from '@callhome/shared/ssh/keepalive.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Lets a silent peer be watched, with every wake-up `late` milliseconds late; the result is when it is found dead. */
function watchSilentPeer(policy: KeepalivePolicy, late: number): { deadAt: number; probes: number } {
  let now = policy.maxWaitMs;
  let silence: Silence = { lastHeard: 0, probes: 0, lastProbe: 0 };
  for (;;) {
    now += late;
    const step = keepaliveStep(policy, silence, now);
    if (step.kind === 'dead') return { deadAt: now, probes: silence.probes };
    if (step.kind === 'probe') {
      silence = { ...silence, probes: silence.probes + 1, lastProbe: now };
      now += policy.maxWaitMs;
    } else {
      now += step.delay;
    }
  }
}

describe('the keep-alive', () => {
  it('finds a vanished peer within max-wait × max-attempts and one probe more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 65_535 }),
        fc.integer({ min: 1, max: 255 }),
        (maxWaitMs, maxAttempts) => {
          expect(watchSilentPeer({ maxWaitMs, maxAttempts }, 0)).toEqual({
            deadAt: maxWaitMs * (maxAttempts + 1),
            probes: maxAttempts,
          });
        },
      ),
    );
  });

  it('sends one probe even where max-attempts is 0', () => {
    expect(watchSilentPeer({ maxWaitMs: 1000, maxAttempts: 0 }, 0)).toEqual({ deadAt: 2000, probes: 1 });
  });

  it('waits for the rest of the time when the peer was heard meanwhile', () => {
    const silence = { lastHeard: 700, probes: 0, lastProbe: 0 };
    expect(keepaliveStep({ maxWaitMs: 1000, maxAttempts: 3 }, silence, 1000)).toEqual({
      kind: 'wait',
      delay: 700,
    });
  });

  it('gives each probe its time, though the process slept for an hour', () => {
    const policy = { maxWaitMs: 1000, maxAttempts: 2 };
    const asleep = 3_600_000;
    expect(keepaliveStep(policy, { lastHeard: 0, probes: 0, lastProbe: 0 }, asleep).kind).toBe('probe');
    expect(keepaliveStep(policy, { lastHeard: 0, probes: 1, lastProbe: asleep }, asleep + 10).kind).toBe(
      'wait',
    );
    expect(watchSilentPeer(policy, 5000).probes).toBe(2);
  });
});

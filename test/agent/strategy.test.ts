import {
  type Attempt,
  afterConnection,
  afterFailure,
  firstAttempt,
  type Strategy,
} from '@callhome/agent/application/strategy.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const strategies: fc.Arbitrary<Strategy> = fc.record({
  endpoints: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 }),
  startWith: fc.constantFrom('first-listed' as const, 'last-connected' as const),
  maxAttempts: fc.integer({ min: 1, max: 5 }),
  backoffCap: fc.integer({ min: 1000, max: 3_600_000 }),
});
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** The attempts of `rounds` whole rounds in which everything fails. */
function failAll(strategy: Strategy, first: Attempt, rounds: number, roll: () => number): Attempt[] {
  const attempts = [first];
  const total = rounds * strategy.endpoints.length * strategy.maxAttempts;
  for (let last = first; attempts.length < total; attempts.push(last))
    last = afterFailure(strategy, last, roll);
  return attempts;
}

describe('the reconnect strategy', () => {
  it('gives every endpoint exactly its attempts, in the order of the list, round and round', () => {
    fc.assert(
      fc.property(strategies, fc.nat(5), dice, (strategy, start, roll) => {
        const remembered = strategy.endpoints[start % strategy.endpoints.length];
        const attempts = failAll(strategy, firstAttempt(strategy, remembered), 3, () => roll);
        const offset = strategy.startWith === 'last-connected' ? start : 0;
        for (const [index, attempt] of attempts.entries()) {
          const endpoint = Math.floor(index / strategy.maxAttempts) + offset;
          expect(attempt.endpoint).toBe(strategy.endpoints[endpoint % strategy.endpoints.length]);
          expect(attempt.number).toBe((index % strategy.maxAttempts) + 1);
        }
      }),
    );
  });

  it('never stops, and never waits longer than its cap', () => {
    fc.assert(
      fc.property(strategies, fc.array(fc.tuple(dice, fc.boolean(), fc.nat(200_000))), (strategy, story) => {
        let attempt = firstAttempt(strategy, undefined);
        for (const [roll, succeeds, uptime] of story) {
          attempt = succeeds
            ? afterConnection(strategy, attempt, uptime, () => roll)
            : afterFailure(strategy, attempt, () => roll);
          expect(strategy.endpoints).toContain(attempt.endpoint);
          expect(attempt.pause).toBeGreaterThanOrEqual(0);
          expect(attempt.pause).toBeLessThanOrEqual(Math.max(1000, strategy.backoffCap));
        }
      }),
    );
  });

  const strategy: Strategy = {
    endpoints: ['a', 'b', 'c'],
    startWith: 'last-connected',
    maxAttempts: 1,
    backoffCap: 60_000,
  };
  const most = () => 0.999999;

  it('starts at the first endpoint when the remembered one has left the configuration', () => {
    expect(firstAttempt(strategy, 'gone').endpoint).toBe('a');
    expect(firstAttempt(strategy, undefined).endpoint).toBe('a');
    expect(firstAttempt(strategy, 'b').endpoint).toBe('b');
  });

  it('ignores the memory with first-listed', () => {
    expect(firstAttempt({ ...strategy, startWith: 'first-listed' }, 'b').endpoint).toBe('a');
  });

  it('goes on after the remembered endpoint, not from the start of the list', () => {
    expect(afterFailure(strategy, firstAttempt(strategy, 'b'), most).endpoint).toBe('c');
  });

  it('backs off between rounds: twice as long each, up to the cap', () => {
    const rounds = failAll(strategy, firstAttempt(strategy, undefined), 9, most);
    const pauses = rounds
      .filter((_, index) => index > 0 && index % 3 === 0)
      .map((attempt) => Math.round(attempt.pause / 1000));
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('pauses up to a second within a round', () => {
    const next = afterFailure(strategy, firstAttempt(strategy, undefined), most);
    expect(next.pause).toBeGreaterThan(990);
    expect(next.pause).toBeLessThan(1000);
  });

  it('comes back within a second after a connection that was stable, to where it was', () => {
    const next = afterConnection(strategy, { ...firstAttempt(strategy, 'b'), failures: 5 }, 60_000, most);
    expect(next).toMatchObject({ endpoint: 'b', number: 1, failures: 0 });
    expect(next.pause).toBeLessThan(1000);
  });

  it('comes back to the first endpoint with first-listed', () => {
    const listed = { ...strategy, startWith: 'first-listed' } as const;
    expect(
      afterConnection(listed, { ...firstAttempt(listed, undefined), endpoint: 'c' }, 60_000, most).endpoint,
    ).toBe('a');
  });

  it('backs off from a collector that accepts and drops at once', () => {
    let attempt = firstAttempt(strategy, undefined);
    const pauses = Array.from({ length: 6 }, () => {
      attempt = afterConnection(strategy, attempt, 100, most);
      return Math.round(attempt.pause / 1000);
    });
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60]);
  });
});

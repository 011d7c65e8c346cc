import {
  type Attempt,
  afterBreak,
  afterConnection,
  afterFailure,
  type Dice,
  firstAttempt,
  type Strategy,
} from '@callhome/agent/application/strategy.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });
const starts = fc.constantFrom(
  'first-listed' as const,
  'last-connected' as const,
  'random-selection' as const,
);
const settings = {
  startWith: starts,
  maxAttempts: fc.integer({ min: 1, max: 5 }),
  backoffCapMs: fc.integer({ min: 1000, max: 3_600_000 }),
};
const strategies: fc.Arbitrary<Strategy> = fc.record({ endpoints: names, ...settings });
const listStrategies: fc.Arbitrary<Strategy> = fc.record({
  endpoints: names,
  ...settings,
  startWith: fc.constantFrom('first-listed' as const, 'last-connected' as const),
});
const roll = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Dice that roll these numbers, over and over. */
function diceOf(rolls: readonly number[]): Dice {
  let at = 0;
  return () => rolls[at++ % rolls.length] ?? 0;
}
const dices: fc.Arbitrary<Dice> = fc.array(roll, { minLength: 1, maxLength: 50 }).map(diceOf);

/** The first attempt and those after it, while everything fails. */
function failures(strategy: Strategy, first: Attempt, total: number, dice: Dice): Attempt[] {
  const attempts = [first];
  for (let last = first; attempts.length < total; attempts.push(last))
    last = afterFailure(strategy, last, dice);
  return attempts;
}

/** Whole rounds in which everything fails, and the first attempt is the first of a round. */
function rounds(strategy: Strategy, first: Attempt, count: number, dice: Dice): Attempt[][] {
  const size = strategy.endpoints.length * strategy.maxAttempts;
  const attempts = failures(strategy, first, count * size, dice);
  return Array.from({ length: count }, (_, index) => attempts.slice(index * size, (index + 1) * size));
}

/** What a round visits: each endpoint once, when its attempts are in one piece and counted from 1. */
function visits(strategy: Strategy, round: readonly Attempt[]): string[] {
  for (const [index, attempt] of round.entries()) {
    expect(attempt.number).toBe((index % strategy.maxAttempts) + 1);
    expect(attempt.endpoint).toBe(round[index - (attempt.number - 1)]?.endpoint);
  }
  return round.filter((attempt) => attempt.number === 1).map((attempt) => attempt.endpoint);
}

const rotated = (list: readonly string[], start: number) => [...list.slice(start), ...list.slice(0, start)];

/** The uppermost backoff after this many failures. */
const bound = (strategy: Strategy, failed: number) =>
  Math.min(strategy.backoffCapMs, 2000 * 2 ** (failed - 1));

describe('the reconnect strategy', () => {
  it('gives every endpoint exactly its attempts in every round, whatever it starts with', () => {
    fc.assert(
      fc.property(strategies, fc.option(fc.nat(5)), dices, (strategy, last, dice) => {
        const remembered = last === null ? undefined : strategy.endpoints[last];
        for (const round of rounds(strategy, firstAttempt(strategy, remembered, dice), 4, dice))
          expect(visits(strategy, round).sort()).toEqual([...strategy.endpoints].sort());
      }),
    );
  });

  it('keeps to the order of the list, from the first or from the remembered one, in every round', () => {
    fc.assert(
      fc.property(listStrategies, fc.nat(5), dices, (strategy, last, dice) => {
        const start = last % strategy.endpoints.length;
        const order = rotated(strategy.endpoints, strategy.startWith === 'last-connected' ? start : 0);
        const first = firstAttempt(strategy, strategy.endpoints[start], dice);
        for (const round of rounds(strategy, first, 3, dice)) expect(visits(strategy, round)).toEqual(order);
      }),
    );
  });

  it('gives every endpoint its attempts after a connection too, in the order of the strategy', () => {
    fc.assert(
      fc.property(strategies, fc.nat(40), fc.nat(200_000), dices, (strategy, before, uptime, dice) => {
        const made = failures(strategy, firstAttempt(strategy, undefined, dice), before + 1, dice).at(-1);
        if (!made) throw new Error('no attempt');
        const [round = []] = rounds(strategy, afterConnection(strategy, made, uptime, dice), 1, dice);
        const visited = visits(strategy, round);
        expect([...visited].sort()).toEqual([...strategy.endpoints].sort());
        if (strategy.startWith === 'first-listed') expect(visited).toEqual(strategy.endpoints);
        if (strategy.startWith === 'last-connected')
          expect(visited).toEqual(rotated(strategy.endpoints, strategy.endpoints.indexOf(made.endpoint)));
      }),
    );
  });

  it('pauses within its bounds, never stops, and never leaves its list', () => {
    const events = fc.array(fc.option(fc.nat(200_000)), { maxLength: 200 });
    fc.assert(
      fc.property(strategies, events, dices, (strategy, story, dice) => {
        let attempt = firstAttempt(strategy, undefined, dice);
        expect(attempt.pauseMs).toBe(0);
        for (const uptime of story) {
          const last = attempt;
          if (uptime === null) {
            attempt = afterFailure(strategy, last, dice);
            const sameRound = attempt.failures === last.failures;
            if (!sameRound) expect(attempt.failures).toBe(last.failures + 1);
            expect(attempt.pauseMs).toBeLessThan(sameRound ? 1000 : bound(strategy, attempt.failures));
          } else {
            attempt = afterConnection(strategy, last, uptime, dice);
            expect(attempt.failures).toBe(uptime >= 60_000 ? 0 : last.failures + 1);
            expect(attempt.pauseMs).toBeLessThan(
              attempt.failures === 0 ? 1000 : bound(strategy, attempt.failures),
            );
          }
          expect(attempt.pauseMs).toBeGreaterThanOrEqual(0);
          expect(strategy.endpoints).toContain(attempt.endpoint);
        }
      }),
    );
  });

  it('counts a round as failed when all of its attempts have been made, and not before', () => {
    fc.assert(
      fc.property(strategies, dices, (strategy, dice) => {
        const all = rounds(strategy, firstAttempt(strategy, undefined, dice), 3, dice);
        for (const [index, round] of all.entries())
          for (const attempt of round) expect(attempt.failures).toBe(index);
      }),
    );
  });

  it('ignores a remembered endpoint that has left the configuration', () => {
    fc.assert(
      fc.property(
        listStrategies,
        fc.string({ minLength: 9, maxLength: 12 }),
        dices,
        (strategy, gone, dice) => {
          expect(firstAttempt(strategy, gone, dice)).toEqual(firstAttempt(strategy, undefined, dice));
          expect(firstAttempt(strategy, gone, dice).endpoint).toBe(strategy.endpoints[0]);
        },
      ),
    );
  });

  it('goes on with another strategy in its place: at a valid endpoint at once, at all of them within a round', () => {
    const story = fc.array(fc.option(fc.nat(200_000)), { maxLength: 30 });
    fc.assert(
      fc.property(strategies, strategies, story, dices, (before, after, events, dice) => {
        let stale = firstAttempt(before, undefined, dice);
        for (const uptime of events) {
          stale =
            uptime === null
              ? afterFailure(before, stale, dice)
              : afterConnection(before, stale, uptime, dice);
        }
        for (const next of [
          afterFailure(after, stale, dice),
          afterConnection(after, stale, 60_000, dice),
          afterConnection(after, stale, 0, dice),
          afterBreak(after, stale, dice),
        ]) {
          expect(next.number).toBeLessThanOrEqual(after.maxAttempts);
          const size = after.endpoints.length * after.maxAttempts;
          const attempts = failures(after, next, 3 * size, dice);
          for (const attempt of attempts) expect(after.endpoints).toContain(attempt.endpoint);
          const fresh = attempts.findIndex((attempt) => attempt.failures > next.failures);
          expect(fresh).toBeLessThanOrEqual(size);
          expect(visits(after, attempts.slice(fresh, fresh + size)).sort()).toEqual(
            [...after.endpoints].sort(),
          );
        }
      }),
    );
  });

  const strategy: Strategy = {
    endpoints: ['a', 'b', 'c'],
    startWith: 'last-connected',
    maxAttempts: 1,
    backoffCapMs: 60_000,
  };
  const most: Dice = () => 0.999999;

  it('starts at the first endpoint when it remembers none, or one that is gone', () => {
    expect(firstAttempt(strategy, 'gone', most).endpoint).toBe('a');
    expect(firstAttempt(strategy, undefined, most).endpoint).toBe('a');
    expect(firstAttempt(strategy, 'b', most).endpoint).toBe('b');
  });

  it('ignores the memory with first-listed', () => {
    expect(firstAttempt({ ...strategy, startWith: 'first-listed' }, 'b', most).endpoint).toBe('a');
  });

  it('goes on after the remembered endpoint, not from the start of the list', () => {
    expect(afterFailure(strategy, firstAttempt(strategy, 'b', most), most).endpoint).toBe('c');
  });

  it('backs off between rounds: twice as long each, up to the cap', () => {
    const pauses = rounds(strategy, firstAttempt(strategy, undefined, most), 9, most)
      .slice(1)
      .map(([first]) => Math.round((first?.pauseMs ?? 0) / 1000));
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('jitters fully: a backoff takes every value from none to its bound', () => {
    for (const face of [0, 0.25, 0.5]) {
      const [, second = []] = rounds(strategy, firstAttempt(strategy, undefined, most), 2, () => face);
      expect(second[0]?.pauseMs).toBe(face * 2000);
    }
  });

  it('pauses up to a second within a round', () => {
    const next = afterFailure(strategy, firstAttempt(strategy, undefined, most), most);
    expect(next.pauseMs).toBeGreaterThan(990);
    expect(next.pauseMs).toBeLessThan(1000);
  });

  it('comes back after a connection that was stable, spread over a second, to where it was', () => {
    const made = { ...firstAttempt(strategy, 'b', most), failures: 5 };
    for (const face of [0, 0.5, 0.999]) {
      const next = afterConnection(strategy, made, 60_000, () => face);
      expect(next).toMatchObject({ endpoint: 'b', number: 1, failures: 0, pauseMs: face * 1000 });
    }
  });

  it('comes back to the first endpoint with first-listed', () => {
    const listed = { ...strategy, startWith: 'first-listed' } as const;
    const made = afterFailure(listed, firstAttempt(listed, undefined, most), most);
    expect(made.endpoint).toBe('b');
    expect(afterConnection(listed, made, 60_000, most).endpoint).toBe('a');
  });

  it('backs off from a collector that accepts and drops at once', () => {
    let attempt = firstAttempt(strategy, undefined, most);
    const pauses = Array.from({ length: 6 }, () => {
      attempt = afterConnection(strategy, attempt, 100, most);
      return Math.round(attempt.pauseMs / 1000);
    });
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60]);
  });

  describe('replaced by another one', () => {
    it('goes on with what is left of the round', () => {
      const after = { ...strategy, endpoints: ['c', 'd'] };
      const [next, then] = failures(
        after,
        afterFailure(after, firstAttempt(strategy, 'a', most), most),
        2,
        most,
      );
      expect(next).toMatchObject({ endpoint: 'c', failures: 0 });
      expect(then).toMatchObject({ endpoint: 'd', failures: 1 });
    });

    it('starts with the first listed where nothing is left', () => {
      const after = { ...strategy, endpoints: ['x', 'y'] };
      expect(afterFailure(after, firstAttempt(strategy, 'b', most), most).endpoint).toBe('x');
      expect(afterConnection(after, firstAttempt(strategy, 'b', most), 60_000, most).endpoint).toBe('x');
    });

    it('gives up at once where fewer attempts are left than were made', () => {
      const patient = { ...strategy, maxAttempts: 5 };
      const third = failures(patient, firstAttempt(patient, 'a', most), 3, most).at(-1);
      expect(third).toMatchObject({ endpoint: 'a', number: 3 });
      if (third)
        expect(afterFailure(strategy, third, most)).toMatchObject({ endpoint: 'b', number: 1, failures: 0 });
    });
  });

  describe('with random-selection', () => {
    const random: Strategy = { ...strategy, startWith: 'random-selection' };

    it('draws every order, each by as many rolls as any other', () => {
      const orders = [0, 1 / 3, 2 / 3].flatMap((first) =>
        [0, 1 / 2].map((second) => {
          const dice = diceOf([first, second, 0]);
          const [round = []] = rounds(random, firstAttempt(random, undefined, dice), 1, most);
          return visits(random, round).join('');
        }),
      );
      expect(orders.sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    });

    it('draws anew for each round, and may begin with the one that it ended with', () => {
      const first = firstAttempt(random, undefined, () => 0);
      const [one = [], two = []] = rounds(random, first, 2, most);
      expect(visits(random, one)).toEqual(['a', 'b', 'c']);
      expect(visits(random, two)).toEqual(['c', 'b', 'a']);
    });

    it('draws anew after a connection, and does not care where that was', () => {
      for (const uptime of [0, 60_000]) {
        const made = firstAttempt(random, undefined, () => 0);
        const [round = []] = rounds(random, afterConnection(random, made, uptime, most), 1, most);
        expect(visits(random, round)).toEqual(['c', 'b', 'a']);
      }
    });

    it('does not care what is remembered', () => {
      expect(firstAttempt(random, 'b', () => 0).endpoint).toBe('a');
    });
  });

  describe('of a periodic connection', () => {
    it('goes back to the same endpoint after a break, then to every other one once', () => {
      fc.assert(
        fc.property(strategies, fc.nat(40), dices, (any, before, dice) => {
          const made = failures(any, firstAttempt(any, undefined, dice), before + 1, dice).at(-1);
          if (!made) throw new Error('no attempt');
          const next = afterBreak(any, made, dice);
          expect(next).toMatchObject({ endpoint: made.endpoint, number: 1, failures: 0 });
          expect(next.pauseMs).toBeLessThan(1000);
          const [round = []] = rounds(any, next, 1, dice);
          const visited = visits(any, round);
          expect([...visited].sort()).toEqual([...any.endpoints].sort());
          if (any.startWith !== 'random-selection')
            expect(visited).toEqual(rotated(any.endpoints, any.endpoints.indexOf(made.endpoint)));
        }),
      );
    });

    it('starts with the first listed when the same endpoint has left the configuration', () => {
      const made = { ...firstAttempt(strategy, 'b', most), endpoint: 'gone' };
      expect(afterBreak(strategy, made, most)).toMatchObject({ endpoint: 'a', remaining: ['b', 'c'] });
    });
  });
});

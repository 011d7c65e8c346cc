import { type History, type Schedule, scheduleStep } from '@callhome/agent/application/schedule.js';
import { parseAnchorTime } from '@callhome/shared/config/modules/ietf-yang-types.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** The longest time between two questions. */
const recheck = minute;

/** The time of an anchor that is in order. */
function at(text: string): number {
  const read = parseAnchorTime(text);
  if ('error' in read) throw new Error(`${text} ${read.error}`);
  return read.time;
}

/** A device: time that passes for its timers, and a wall clock that shows another and can be set. */
function device(schedule: Schedule, wall: number, first: History = { kind: 'none', since: wall }) {
  let elapsed = 0;
  let offset = wall;
  let history = first;
  const clock = () => elapsed + offset;
  return {
    clock,
    elapsed: () => elapsed,
    set: (time: number) => {
      offset = time - elapsed;
    },
    pass: (time: number) => {
      elapsed += time;
    },
    open: () => {
      history = { kind: 'open' };
    },
    close: () => {
      history = { kind: 'closed', at: clock() };
    },
    lose: () => {
      history = { kind: 'lost' };
    },
    /** Asks once; sleeps as it is told, but not beyond `until`; true when a connection is due. */
    ask: (until = Number.POSITIVE_INFINITY): boolean => {
      const step = scheduleStep(schedule, history, clock());
      if (step.kind === 'due') return true;
      if (!(step.delayMs > 0 && step.delayMs <= recheck)) throw new Error(`a delay of ${step.delayMs} ms`);
      history = step.history;
      elapsed = Math.min(elapsed + step.delayMs, until);
      return false;
    },
  };
}
type Device = ReturnType<typeof device>;

/** Waits for the next connection; the wall clock when it is due. */
function nextDue(of: Device): number {
  for (let asked = 0; asked < 200_000; asked++) if (of.ask()) return of.clock();
  throw new Error('no connection was ever due');
}

/** Makes `count` connections of `length` each, all ended gracefully; the wall clock at their starts. */
function connections(of: Device, count: number, length: number): number[] {
  return Array.from({ length: count }, () => {
    const start = nextDue(of);
    of.open();
    of.pass(length);
    of.close();
    return start;
  });
}

const periodMs = fc.integer({ min: 1, max: 65535 }).map((minutes) => minutes * minute);
/** So short that a story of many of them is told with few questions. */
const shortPeriod = fc.integer({ min: 1, max: 90 }).map((minutes) => minutes * minute);
const time = fc.integer({ min: at('1970-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') });
const anchor = fc.integer({ min: at('0000-01-01T00:00:00Z'), max: at('9999-12-31T23:59:00Z') });

const isDueTime = (schedule: Schedule, moment: number) =>
  (moment - schedule.anchor) % schedule.periodMs === 0;
/** How many due times there are after `from`, up to `to`. */
const dueTimes = ({ periodMs, anchor }: Schedule, from: number, to: number) =>
  Math.floor((to - anchor) / periodMs) - Math.floor((from - anchor) / periodMs);

describe('the schedule of a periodic connection', () => {
  it('begins at once without an anchor, and then keeps to its period', () => {
    const start = at('2026-03-01T10:07:00Z') + 1234;
    const agent = device({ periodMs: hour, anchor: start }, start);
    expect(connections(agent, 3, 10 * minute)).toEqual([start, start + hour, start + 2 * hour]);
  });

  it('begins at the first whole multiple from its anchor, be that past or to come', () => {
    const now = at('2026-03-01T10:07:00Z');
    for (const text of ['2000-01-01T00:15:00Z', '2026-03-01T00:15:00Z', '2061-07-28T00:15:00Z'])
      expect(nextDue(device({ periodMs: day, anchor: at(text) }, now))).toBe(at('2026-03-02T00:15:00Z'));
    expect(nextDue(device({ periodMs: 45 * minute, anchor: at('2026-03-01T12:00:00+01:00') }, now))).toBe(
      at('2026-03-01T10:15:00Z'),
    );
  });

  it('begins at once when the agent starts right at a due time', () => {
    const now = at('2026-03-02T00:15:00Z');
    expect(nextDue(device({ periodMs: day, anchor: now - 7 * day }, now))).toBe(now);
  });

  it('makes one connection for each due time, a connection of no length too', () => {
    const now = at('2026-03-01T12:00:00Z');
    expect(connections(device({ periodMs: hour, anchor: now }, now), 3, 0)).toEqual([
      now,
      now + hour,
      now + 2 * hour,
    ]);
  });

  it('starts none while one is open, and leaves out the due times that pass', () => {
    const start = at('2026-03-01T10:00:00Z');
    const agent = device({ periodMs: hour, anchor: start }, start);
    expect(agent.ask()).toBe(true);
    agent.open();
    while (agent.clock() < start + 2.5 * hour) expect(agent.ask()).toBe(false);
    agent.close();
    expect(nextDue(agent)).toBe(start + 3 * hour);
  });

  it('reconnects at once after a lost connection, and then keeps to the same times', () => {
    const start = at('2026-03-01T10:00:00Z');
    const agent = device({ periodMs: hour, anchor: start }, start);
    agent.open();
    agent.pass(7 * minute);
    agent.lose();
    expect(connections(agent, 2, minute)).toEqual([start + 7 * minute, start + hour]);
  });

  it('reconnects at once after each end with a period of 0, and not while one is open', () => {
    const start = at('2026-03-01T10:00:00Z');
    const agent = device({ periodMs: 0, anchor: start + day }, start);
    expect(connections(agent, 3, minute)).toEqual([start, start + minute, start + 2 * minute]);
    agent.open();
    expect(agent.ask()).toBe(false);
    agent.lose();
    expect(agent.ask()).toBe(true);
  });

  it('waits the longest period that there is in steps that a timer can take', () => {
    const start = at('2026-03-01T10:00:00Z');
    const agent = device({ periodMs: 65535 * minute, anchor: start }, start);
    expect(connections(agent, 2, minute)).toEqual([start, start + 65535 * minute]);
  });

  it('keeps to its times whatever the anchor, the period and the length of connections', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 5 * hour }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(shortPeriod, anchor, time, lengths, (periodMs, anchor, start, lengths) => {
        const schedule = { periodMs, anchor };
        const agent = device(schedule, start);
        let free = start - 1;
        for (const length of lengths) {
          const due = nextDue(agent);
          expect(isDueTime(schedule, due)).toBe(true);
          expect(dueTimes(schedule, free, due)).toBe(1);
          agent.open();
          agent.pass(length);
          agent.close();
          free = agent.clock();
        }
      }),
    );
  });

  it('finds the next due time for every anchor, period and moment', () => {
    fc.assert(
      fc.property(
        periodMs,
        anchor,
        time,
        fc.integer({ min: 0, max: 100 * day }),
        (periodMs, anchor, end, later) => {
          const schedule = { periodMs, anchor };
          const step = scheduleStep(schedule, { kind: 'closed', at: end }, end + later);
          expect(step.kind).toBe(dueTimes(schedule, end, end + later) > 0 ? 'due' : 'wait');
          if (step.kind === 'wait') {
            expect(step.delayMs === recheck || isDueTime(schedule, end + later + step.delayMs)).toBe(true);
            expect(dueTimes(schedule, end, end + later + step.delayMs - 1)).toBe(0);
          }
        },
      ),
    );
  });

  describe('when the clock jumps', () => {
    const noon = at('2026-03-01T12:00:00Z');
    const daily: Schedule = { periodMs: day, anchor: noon };

    it('makes one connection for all the due times that it jumped over, then keeps to its times', () => {
      const agent = device({ periodMs: hour, anchor: noon }, noon);
      connections(agent, 1, minute);
      const awake = noon + 9 * day + 20 * minute;
      agent.set(awake);
      expect(connections(agent, 3, minute)).toEqual([
        awake,
        noon + 9 * day + hour,
        noon + 9 * day + 2 * hour,
      ]);
    });

    it('makes up for none where one was open all the while', () => {
      const agent = device(daily, noon);
      agent.open();
      agent.set(noon + 9.25 * day);
      agent.close();
      expect(nextDue(agent)).toBe(noon + 10 * day);
    });

    it('waits for no time that was due when the clock showed more', () => {
      const agent = device(daily, noon);
      connections(agent, 1, minute);
      agent.set(noon - 365 * day - hour);
      expect(nextDue(agent)).toBe(noon - 365 * day);
    });

    it('misses no day to a clock that was wrong for a while', () => {
      const agent = device(daily, noon + minute);
      agent.set(noon + 3650 * day);
      connections(agent, 1, minute);
      agent.set(noon + hour);
      expect(connections(agent, 2, minute)).toEqual([noon + day, noon + 2 * day]);
    });

    it('does not repeat a connection for a correction that ends after its due time', () => {
      const agent = device(daily, noon);
      connections(agent, 1, 2 * minute);
      agent.set(noon + minute);
      expect(nextDue(agent)).toBe(noon + day);
    });

    it('begins with a clock that starts in 1970 and is set when the network is there', () => {
      const agent = device(daily, 5000);
      for (let asked = 0; asked < 3; asked++) expect(agent.ask()).toBe(false);
      agent.set(noon + hour);
      expect(connections(agent, 2, minute)).toEqual([noon + hour, noon + day]);
    });

    it('waits no longer than a period from the first question after a jump back', () => {
      fc.assert(
        fc.property(
          shortPeriod,
          anchor,
          time,
          fc.integer({ min: 1, max: 400 * day }),
          (periodMs, anchor, end, back) => {
            const schedule = { periodMs, anchor };
            const agent = device(schedule, end - back, { kind: 'closed', at: end });
            const due = nextDue(agent);
            expect(agent.elapsed()).toBeLessThanOrEqual(periodMs);
            expect(isDueTime(schedule, due)).toBe(true);
          },
        ),
      );
    });

    it('neither bursts nor pauses, however often and far it jumps', () => {
      const story = fc.array(
        fc.record({
          /** How long after the last one. */
          after: fc.integer({ min: 0, max: 6 * hour }),
          by: fc.oneof(
            fc.integer({ min: -10_000, max: 10_000 }),
            fc.integer({ min: -3 * hour, max: 3 * hour }),
            fc.integer({ min: -4000 * day, max: 4000 * day }),
          ),
        }),
        { maxLength: 8 },
      );
      const lengths = fc.array(fc.integer({ min: 0, max: 2 * hour }), { minLength: 1, maxLength: 5 });
      fc.assert(
        fc.property(shortPeriod, anchor, time, story, lengths, (periodMs, anchor, start, jumps, lengths) => {
          const schedule = { periodMs, anchor };
          const agent = device(schedule, start);
          let made = 0;
          let idleSince = 0;
          let endOfCall = 0;
          let open = false;
          /** Lives until `until` by its timers. */
          const live = (until: number) => {
            while (agent.elapsed() < until) {
              if (open) {
                agent.pass(Math.min(endOfCall, until) - agent.elapsed());
                if (agent.elapsed() < endOfCall) continue;
                agent.close();
                open = false;
                idleSince = agent.elapsed();
              }
              if (!agent.ask(until)) continue;
              // A jump back between two questions may hide until the second.
              expect(agent.elapsed() - idleSince).toBeLessThanOrEqual(periodMs + recheck);
              endOfCall = agent.elapsed() + (lengths[made % lengths.length] ?? 0);
              made++;
              agent.open();
              open = true;
            }
          };
          for (const { after, by } of [...jumps, { after: 6 * hour, by: 0 }]) {
            const before = made;
            const from = agent.clock();
            live(agent.elapsed() + after);
            if (!open) expect(agent.elapsed() - idleSince).toBeLessThanOrEqual(periodMs + recheck);
            expect(made - before).toBeLessThanOrEqual(dueTimes(schedule, from, from + after) + 1);
            agent.set(agent.clock() + by);
            idleSince = agent.elapsed();
          }
        }),
      );
    });
  });

  it('goes on with another schedule in its place', () => {
    const start = at('2026-03-01T10:00:00Z');
    const closed: History = { kind: 'closed', at: start };
    expect(nextDue(device({ periodMs: hour, anchor: start }, start + 1, closed))).toBe(start + hour);
    expect(nextDue(device({ periodMs: 15 * minute, anchor: start }, start + 1, closed))).toBe(
      start + 15 * minute,
    );
  });
});

describe('anchor-time', () => {
  it('is read with its offset', () => {
    const utc = Date.UTC(2026, 2, 1, 0, 15);
    for (const text of [
      '2026-03-01T00:15:00Z',
      '2026-03-01T00:15:00+00:00',
      '2026-03-01T00:15:00-00:00',
      '2026-03-01T14:15:00+14:00',
      '2026-02-28T10:15:00-14:00',
      '2026-03-01T14:14:00+13:59',
      '2026-02-28T20:45:00-03:30',
    ])
      expect(parseAnchorTime(text), text).toEqual({ time: utc });
  });

  it('may be of any year that the model has, and a leap day', () => {
    expect(parseAnchorTime('0000-01-01T00:00:00Z')).toEqual({ time: -62_167_219_200_000 });
    expect(parseAnchorTime('0050-06-01T00:00:00Z')).toEqual({ time: -60_576_249_600_000 });
    expect(parseAnchorTime('9999-12-31T23:59:00-14:00')).toEqual({ time: 253_402_351_140_000 });
    expect(parseAnchorTime('2024-02-29T23:59:00Z')).toEqual({ time: Date.UTC(2024, 1, 29, 23, 59) });
  });

  it('is an error on a day that is in no calendar', () => {
    for (const text of ['2026-02-31T00:00:00Z', '2025-02-29T00:00:00+14:00', '1900-02-29T00:00:00Z'])
      expect(parseAnchorTime(text), text).toEqual({ error: expect.stringContaining(text.slice(0, 10)) });
    expect(parseAnchorTime('2026-04-31T12:00:00-14:00')).toHaveProperty('error');
  });

  it('is an error or a time, for everything that is written in its form', () => {
    const two = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, '0'));
    const offset = fc.oneof(
      fc.constantFrom('Z', '+14:00', '-14:00'),
      fc.tuple(fc.constantFrom('+', '-'), two(13), two(59)).map(([sign, h, m]) => `${sign}${h}:${m}`),
    );
    fc.assert(
      fc.property(fc.nat(9999), fc.nat(11), fc.nat(30), two(23), two(59), offset, (y, m, d, h, min, zone) => {
        const date = new Date(0);
        date.setUTCFullYear(y, m, d + 1);
        const written = [
          String(y).padStart(4, '0'),
          String(m + 1).padStart(2, '0'),
          String(d + 1).padStart(2, '0'),
        ];
        const read = parseAnchorTime(`${written.join('-')}T${h}:${min}:00${zone}`);
        if (date.getUTCMonth() !== m) {
          expect(read).toHaveProperty('error');
          return;
        }
        const [sign, oh, om] = zone === 'Z' ? ['+', '0', '0'] : [zone[0], zone.slice(1, 3), zone.slice(4)];
        const minutes = (sign === '-' ? -1 : 1) * (Number(oh) * 60 + Number(om));
        expect(read).toEqual({ time: date.getTime() + (Number(h) * 60 + Number(min) - minutes) * minute });
      }),
    );
  });

  it('throws at nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseAnchorTime(text)).toHaveProperty('error');
      }),
    );
  });
});

/**
 * When the connections of a periodic application begin (ietf-netconf-server, connection-type/periodic): at the due times,
 * the whole multiples of the period before and after the anchor. All times are by the wall clock, in whole milliseconds
 * since 1970; the anchor's offset from UTC is fixed, so a day is 24 hours whatever summer time does.
 */
export interface Schedule {
  /** 0: a connection is due whenever none is open. */
  readonly periodMs: number;
  /** Without one in the configuration: the first start of the application, which makes that the first due time. */
  readonly anchor: number;
}

/** What has become of the application's connections. */
export type History =
  /** There has been none since the start of the application. */
  | { readonly kind: 'none'; readonly since: number }
  | { readonly kind: 'open' }
  /** The last one ended gracefully: by the peer's `<close-session>`, or by our own idle timeout. */
  | { readonly kind: 'closed'; readonly at: number }
  /** The last one ended in any other way. */
  | { readonly kind: 'lost' };

export type Step =
  | { readonly kind: 'due' }
  /** Ask again after this delay with this history. `due`: when it is to be, where that is known. */
  | { readonly kind: 'wait'; readonly delayMs: number; readonly history: History; readonly due?: number };

/**
 * The longest delay. Timers know nothing of the wall clock, which may have been set, or have gone on while the device
 * was suspended; and Node's longest is shorter than the longest period.
 */
const recheckMs = 60_000;

/** The first due time that is not before `from`. */
function dueTimeFrom({ periodMs, anchor }: Schedule, from: number): number {
  const past = (((from - anchor) % periodMs) + periodMs) % periodMs;
  return past === 0 ? from : from + periodMs - past;
}

/** The history that is true of a clock which shows `now`: what is still to come by it was before the clock was set back. */
function notAfter(history: History, now: number): History {
  if (history.kind === 'none') return { kind: 'none', since: Math.min(history.since, now) };
  if (history.kind === 'closed') return { kind: 'closed', at: Math.min(history.at, now) };
  return history;
}

/**
 * Whether a connection is due at `now`. A due time that passes while a connection is open is left out. However many pass
 * unseen while none is open, one connection makes up for them; when the clock is set back they come again, so that
 * no wait is longer than a period. After a connection that was lost the next is due at once.
 */
export function scheduleStep(schedule: Schedule, before: History, now: number): Step {
  const history = notAfter(before, now);
  if (history.kind === 'open') return { kind: 'wait', delayMs: recheckMs, history };
  if (history.kind === 'lost' || schedule.periodMs === 0) return { kind: 'due' };
  const due = dueTimeFrom(schedule, history.kind === 'none' ? history.since : history.at + 1);
  return due <= now
    ? { kind: 'due' }
    : { kind: 'wait', delayMs: Math.min(due - now, recheckMs), history, due };
}

import type { RecentEnd } from './registry.js';

/** From how many ends of connections on, within how long, a device is flapping. */
export interface FlappingRule {
  readonly ends: number;
  readonly minutes: number;
}

/**
 * Whether a device connects only to be lost again. Stops of the collector itself do not count.
 * @param ends the last ones, the latest first
 * @param now milliseconds of the wall clock
 */
export function isFlapping(ends: readonly RecentEnd[], rule: FlappingRule, now: number): boolean {
  const first = ends.filter(({ code }) => code !== 'CALLHOME_STOPPED')[rule.ends - 1];
  return first !== undefined && now - Date.parse(first.at) <= rule.minutes * 60_000;
}

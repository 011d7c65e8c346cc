import type { PendingView } from '../northbound/http/schemas.js';

/** A time span as people say it. @param seconds a negative one, of clocks that differ, is none */
function span(seconds: number): string {
  const rounded = Math.max(0, Math.ceil(seconds));
  if (rounded < 120) return `${rounded} s`;
  const minutes = Math.round(rounded / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** When a device is to be expected, from how it has called so far. @param now milliseconds since the epoch */
export function expectedCall(
  { lastCalls, lastSeen }: Pick<PendingView, 'lastCalls' | 'lastSeen'>,
  now: number,
): string {
  const times = lastCalls.map((at) => Date.parse(at));
  const ago = (now - Date.parse(lastSeen)) / 1000;
  if (times.length < 2) return `It has called once, ${span(ago)} ago.`;
  const pauses = times.slice(1).map((time, index) => (time - (times[index] ?? time)) / 1000);
  const longest = Math.max(...pauses);
  const soFar = `It called ${span(ago)} ago, and its last pauses were up to ${span(longest)}`;
  return ago > longest
    ? `${soFar}: it waits longer by now, or calls no more.`
    : `${soFar}: expect it within ${span(longest - ago)}, or somewhat later where its pauses grow.`;
}

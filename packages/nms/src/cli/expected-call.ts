import type { PendingView } from '../northbound/http/schemas.js';

/** A time span as people say it. @param seconds a negative one, of clocks that differ, is none */
function span(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 120) return `${rounded} s`;
  const minutes = Math.round(rounded / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** When a device is to be expected, from how it has called so far. @param now milliseconds since the epoch */
export function expectedCall(
  { previousSeen, lastSeen }: Pick<PendingView, 'previousSeen' | 'lastSeen'>,
  now: number,
): string {
  const last = Date.parse(lastSeen);
  const ago = (now - last) / 1000;
  if (previousSeen === null) return `It has called once, ${span(ago)} ago.`;
  const pause = (last - Date.parse(previousSeen)) / 1000;
  const before = `It called ${span(ago)} ago, and ${span(pause)} before that`;
  return ago > pause
    ? `${before}: it is late, waits longer from call to call, or calls no more.`
    : `${before}: if it keeps to that, it calls again in ${span(pause - ago)}.`;
}

import { stringOf } from '../yang/types.js';

/** `yang:date-and-time`. @param values in words @param pattern narrower than that of the type itself */
export function dateAndTime(values: string, pattern: RegExp) {
  return stringOf('yang:date-and-time', values, (text) => pattern.test(text));
}

/**
 * A date-and-time of the form that an `anchor-time` has: milliseconds since 1970, or what is wrong with it. The model's
 * pattern lets the 31st of February pass; here it is an error. The offset -00:00 is UTC (RFC 3339 §4.3).
 */
export function parseAnchorTime(text: string): { readonly time: number } | { readonly error: string } {
  const day = text.slice(0, 10);
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day))
    return { error: `is on a day that no calendar has: ${day}` };
  return { time: Date.parse(text) };
}

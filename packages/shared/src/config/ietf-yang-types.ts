import { stringOf } from './yang/types.js';

/** `yang:date-and-time`. @param values in words @param pattern narrower than that of the type itself */
export function dateAndTime(values: string, pattern: RegExp) {
  return stringOf('yang:date-and-time', values, (text) => pattern.test(text));
}

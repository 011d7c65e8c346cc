import { z } from 'zod';
import { peerText } from '../errors.js';

/** A YANG list with one key leaf: its values are unique. */
export function listBy<K extends string, T extends z.ZodType<Record<K, string>>>(key: K, entry: T) {
  return z.array(entry).check(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, entry] of value.entries()) {
      if (seen.has(entry[key])) {
        issues.push({ code: 'custom', input: value, path: [index], message: 'the list has this key twice' });
      }
      seen.add(entry[key]);
    }
  });
}

/** A list entry in an instance path: `[name='x']`, on one line whatever the file has there. */
export function keyPredicate(value: string, key = 'name'): string {
  return `[${key}='${peerText(value)}']`;
}

/** The key of most lists is `name`. */
export function listByName<T extends z.ZodType<{ name: string }>>(entry: T) {
  return listBy('name', entry);
}

/** A mandatory YANG choice whose cases are the given optional members of an object. */
export function exactlyOneOf(members: readonly string[]): z.core.CheckFn<Record<string, unknown>> {
  return ({ value, issues }) => {
    const present = members.filter((member) => value[member] !== undefined);
    if (present.length === 1) return;
    const rule = `must have exactly one of ${members.map((m) => `"${m}"`).join(', ')}`;
    issues.push({
      code: 'custom',
      input: value,
      message: present.length === 0 ? rule : `${rule}, not ${present.length}`,
    });
  };
}

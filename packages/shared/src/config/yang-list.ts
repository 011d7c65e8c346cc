import { z } from 'zod';

/** A YANG list with the key leaf `name`: the names are unique. */
export function listByName<T extends z.ZodType<{ name: string }>>(entry: T) {
  return z.array(entry).check(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, { name }] of value.entries()) {
      if (seen.has(name)) {
        issues.push({ code: 'custom', input: value, path: [index], message: 'the list has this key twice' });
      }
      seen.add(name);
    }
  });
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

import { createInterface } from 'node:readline';
import { reasonOf } from '@callhome/shared/errors.js';
import type { z } from 'zod';

/** Tells the benchmark something: a line of JSON on standard output. */
export function tell(told: object): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

/** Carries out the commands that the benchmark writes to standard input, one after the other, and answers each. */
export async function obey<T>(
  schema: z.ZodType<T>,
  carryOut: (command: T) => Promise<object>,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      tell(await carryOut(schema.parse(JSON.parse(line))));
    } catch (error) {
      tell({ failed: reasonOf(error) });
    }
  }
}

import { describe } from 'vitest';

/** `describe` for tests that make what only root may. Others skip them, and say so; with CI=true that is an error. */
export function requireRoot(what: string): typeof describe | typeof describe.skip {
  if (process.getuid?.() === 0) return describe;
  const message = `no root, no ${what}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`SKIPPED, ${message}\n`);
  return describe.skip;
}

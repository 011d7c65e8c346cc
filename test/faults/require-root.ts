import { describe } from 'vitest';
import type { Peer } from '../../scripts/peers.mjs';
import { requirePeers } from '../interop/peers/require-peers.js';

/**
 * `describe` for tests that make what only root may, with these tools. Without they are skipped, which is said;
 * with CI=true that is an error.
 */
export function requireRoot(what: string, ...tools: Peer[]): typeof describe | typeof describe.skip {
  if (process.getuid?.() === 0) return requirePeers(...tools);
  const message = `no root, no ${what}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`SKIPPED, ${message}\n`);
  return describe.skip;
}

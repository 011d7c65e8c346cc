import { describe } from 'vitest';
import { missingPeers, type Peer } from '../../../scripts/peers.mjs';

/**
 * `describe` for tests against these peers. Where one is missing it is named, and the tests are skipped;
 * with CI=true that is an error.
 */
export function requirePeers(...peers: Peer[]): typeof describe | typeof describe.skip {
  const missing = missingPeers(peers);
  if (missing.length === 0) return describe;
  const message = `missing peers: ${missing.join(', ')}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`SKIPPED, ${message}\n`);
  return describe.skip;
}

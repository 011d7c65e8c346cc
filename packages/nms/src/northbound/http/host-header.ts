import { BlockList, isIP } from 'node:net';
import { canonicalAddress } from '@callhome/shared/config/modules/ietf-inet-types.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Whether an address is every address of the machine. */
export function isWildcard(address: string): boolean {
  return ['0.0.0.0', '::', '::ffff:0:0'].includes(canonicalAddress(address));
}

/**
 * Whether a Host header names this API: a loopback name or address, or the configured one; any address where the API
 * listens on all of them. A page whose name was rebound to a loopback address (DNS rebinding) comes with its own name.
 */
export function isHostAllowed(header: string | undefined, configured: string): boolean {
  const match = /^(?:\[(?<bracketed>[0-9a-f:.]+)\]|(?<name>[a-z0-9.-]+))(?::\d{1,5})?$/i.exec(header ?? '');
  const host = (match?.groups?.['bracketed'] ?? match?.groups?.['name'])?.toLowerCase();
  if (host === undefined) return false;
  if (host === 'localhost' || host === canonicalAddress(configured)) return true;
  const family = isIP(host);
  if (family === 0) return false;
  return isWildcard(configured) || loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

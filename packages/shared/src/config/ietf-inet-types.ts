import { isIP } from 'node:net';
import { z } from 'zod';

/** A domain name by the pattern of RFC 6991: labels of letters, digits, hyphen and underscore, the last a letter or digit. */
const domainName =
  /^(([a-z0-9_][a-z0-9_-]{0,61})?[a-z0-9]\.)*(([a-z0-9_][a-z0-9_-]{0,61})?[a-z0-9]\.?)$|^\.$/i;

/** An address may name a zone, such as an interface. */
function isAddress(text: string): boolean {
  return isIP(text.replace(/%[\p{N}\p{L}]+$/u, '')) !== 0;
}

/** `inet:host`: an IP address or a domain name. */
export const host = z
  .string()
  .refine((text) => isAddress(text) || (text.length <= 253 && domainName.test(text)), {
    error: 'must be an IP address or a domain name',
  });

/** `inet:ip-address`. */
export const ipAddress = z.string().refine(isAddress, { error: 'must be an IP address' });

/** `inet:port-number`: 0..65535. */
export const portNumber = z.int().min(0).max(65535);

/** What is wrong with a host that the model takes for a name: digits and dots alone are meant for an address. */
export function hostProblem(text: string): string | undefined {
  return /^[0-9.]+$/.test(text) && isIP(text) === 0 ? 'is neither an IPv4 address nor a name' : undefined;
}

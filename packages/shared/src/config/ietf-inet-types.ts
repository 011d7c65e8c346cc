import { isIP } from 'node:net';
import { z } from 'zod';

/** A domain name by the pattern of RFC 6991: labels of letters, digits, hyphen and underscore. */
const domainName = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.?$/i;

/** `inet:host`: an IP address or a domain name. */
export const host = z
  .string()
  .refine((text) => isIP(text.replace(/%.+$/, '')) !== 0 || (text.length <= 253 && domainName.test(text)), {
    error: 'must be an IP address or a domain name',
  });

/** `inet:ip-address`. */
export const ipAddress = z
  .string()
  .refine((text) => isIP(text.replace(/%.+$/, '')) !== 0, { error: 'must be an IP address' });

/** `inet:port-number`: 0..65535. */
export const portNumber = z.int().min(0).max(65535);

import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { stringOf, type, uint16 } from '../yang/types.js';

/** A domain name by the pattern of RFC 6991: labels of letters, digits, hyphen and underscore, the last a letter or digit. */
const domainName =
  /^(([a-z0-9_][a-z0-9_-]{0,61})?[a-z0-9]\.)*(([a-z0-9_][a-z0-9_-]{0,61})?[a-z0-9]\.?)$|^\.$/i;

/** An address may name a zone, such as an interface. Node's own zones may have more characters than the model's. */
function isAddress(text: string): boolean {
  const address = /^([^%]+)(?:%[\p{N}\p{L}]+)?$/u.exec(text)?.[1];
  return address !== undefined && isIP(address) !== 0;
}

/** An address in its one spelling (RFC 5952): `2001:DB8:0:0::1` is `2001:db8::1`. A zone stays as it is. */
export function canonicalAddress(text: string): string {
  const [address = '', zone = ''] = text.split(/(?=%)/);
  return isIPv6(address) ? `${new URL(`http://[${address}]`).hostname.slice(1, -1)}${zone}` : text;
}

/** `inet:host`. */
export const host = stringOf(
  'inet:host',
  'an IP address or a domain name',
  (text) => isAddress(text) || (text.length <= 253 && domainName.test(text)),
);

function address(name: string, values: string, holds: (text: string) => boolean) {
  const error = `must be ${values}`;
  return type(
    { name, encoding: 'text', values },
    z
      .string({ error })
      .refine((text) => isAddress(text) && holds(text), { error })
      .transform(canonicalAddress),
  );
}

/** `inet:ip-address`, in its one spelling. */
export const ipAddress = address('inet:ip-address', 'an IP address', () => true);

/** `inet:ip-address-no-zone`, in its one spelling. */
export const ipAddressNoZone = address(
  'inet:ip-address-no-zone',
  'an IP address without a zone',
  (text) => !text.includes('%'),
);

/** Whether nobody but this machine reaches an address. @param address in its one spelling */
export function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:7f[0-9a-f]{2}:)/.test(address);
}

/** `inet:port-number`. */
export const portNumber = uint16();

/** What is wrong with a host that the model takes for a name: digits and dots alone are meant for an address. */
export function hostFinding(text: string): string | undefined {
  return /^[0-9][0-9.]*$/.test(text) && isIP(text) === 0
    ? 'is neither an IPv4 address nor a name'
    : undefined;
}

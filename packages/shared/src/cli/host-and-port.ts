import { InvalidArgumentError } from 'commander';
import { host, portNumber } from '../config/modules/ietf-inet-types.js';

export interface HostAndPort {
  readonly address: string;
  readonly port: number;
}

/**
 * Reads HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT.
 * @throws InvalidArgumentError, which commander shows with the option's name
 */
export function parseHostAndPort(text: string, defaultPort: number): HostAndPort {
  const parts = /^\[(.+)\](?::(\d+))?$/.exec(text) ?? /^([^:]+)(?::(\d+))?$/.exec(text);
  const [, address = text, port = String(defaultPort)] = parts ?? [];
  if (!host.safeParse(address).success) {
    throw new InvalidArgumentError(`${address} is neither an address nor a host name.`);
  }
  const number = portNumber.safeParse(Number(port));
  if (!number.success) throw new InvalidArgumentError(`${port} is not a port.`);
  return { address, port: number.data };
}

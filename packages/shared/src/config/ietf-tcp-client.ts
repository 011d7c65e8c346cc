import { z } from 'zod';
import { host, portNumber } from './ietf-inet-types.js';

/** grouping tcp-client-grouping: where to dial. */
export function tcpClientGrouping(defaultPort: number) {
  return z.strictObject({
    'remote-address': host,
    'remote-port': portNumber.default(defaultPort),
  });
}

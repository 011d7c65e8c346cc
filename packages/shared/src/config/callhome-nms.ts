import { z } from 'zod';
import { ipAddressNoZone, portNumber } from './ietf-inet-types.js';

/** container nms: what the IETF model leaves open. */
export const nms = z.strictObject({
  /** The HTTP API that the command line and programs use. */
  api: z
    .strictObject({
      address: ipAddressNoZone.default('127.0.0.1'),
      port: portNumber.default(8334),
    })
    .prefault({}),
  admission: z
    .strictObject({
      /** Connections at once, established or not. */
      'max-connections': z.int().min(1).max(1_000_000).default(20_000),
      /** Connections that have not authenticated yet. */
      'max-handshakes': z.int().min(1).max(100_000).default(512),
      /** For the SSH handshake and authentication together. Seconds. */
      'handshake-timeout': z.int().min(1).max(600).default(30),
    })
    .prefault({}),
});

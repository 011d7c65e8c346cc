import { z } from 'zod';
import { portNumber } from './ietf-inet-types.js';
import { exactlyOneOf } from './yang-list.js';

/** What answers NETCONF on the device: a program for each session, or the agent itself. */
const backend = z
  .strictObject({
    embedded: z.strictObject({}).optional(),
    command: z
      .strictObject({
        /** Speaks NETCONF on standard input and output. */
        program: z.string().regex(/^\//, { error: 'must be an absolute path' }),
        arguments: z.array(z.string()).default([]),
        /** The server's port that SSH_CONNECTION shows to the program; by default the real one. */
        'shown-server-port': portNumber.optional(),
      })
      .optional(),
  })
  .check(exactlyOneOf(['embedded', 'command']));

/** container agent: what the IETF model leaves open. */
export const agent = z.strictObject({
  backend: backend.prefault({ embedded: {} }),
  /** The longest pause between two rounds over all endpoints. Seconds. */
  'backoff-cap': z.int().min(1).max(3600).default(60),
  /** For the SSH handshake and authentication together. Seconds. */
  'handshake-timeout': z.int().min(1).max(600).default(30),
  /** NETCONF sessions on one connection. */
  'max-sessions': z.int().min(1).max(1000).default(10),
});

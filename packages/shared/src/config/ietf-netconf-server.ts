import { z } from 'zod';
import { sshServerGrouping } from './ietf-ssh-server.js';
import { tcpClientGrouping } from './ietf-tcp-client.js';
import { listByName } from './yang-list.js';

/** The port of IANA's `netconf-ch-ssh` (RFC 8071). */
export const callHomeSshPort = 4334;

/** grouping netconf-server-callhome-stack-grouping: one server of an application, over SSH. */
const endpoint = z.strictObject({
  name: z.string(),
  ssh: z.strictObject({
    'tcp-client-parameters': tcpClientGrouping(callHomeSshPort),
    'ssh-server-parameters': sshServerGrouping,
    'netconf-server-parameters': z.strictObject({}).optional(),
  }),
});

/** list netconf-client: one management system that is called. */
const netconfClient = z.strictObject({
  name: z.string(),
  endpoints: z.strictObject({ endpoint: listByName(endpoint).min(1) }),
  'connection-type': z.strictObject({ persistent: z.strictObject({}) }),
  'reconnect-strategy': z
    .strictObject({
      'start-with': z.enum(['first-listed', 'last-connected']).default('first-listed'),
      'max-wait': z.int().min(1).max(65535).default(5),
      'max-attempts': z.int().min(1).max(255).default(3),
    })
    .prefault({}),
});

/** container netconf-server: call home over SSH, persistent connections. */
export const netconfServer = z.strictObject({
  'call-home': z.strictObject({ 'netconf-client': listByName(netconfClient).min(1) }),
});

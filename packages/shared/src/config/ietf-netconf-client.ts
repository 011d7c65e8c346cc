import { z } from 'zod';
import { ipAddress, portNumber } from './ietf-inet-types.js';
import { callHomeSshPort } from './ietf-netconf-server.js';
import { sshClientGrouping } from './ietf-ssh-client.js';
import { listBy, listByName } from './yang-list.js';

/** grouping netconf-client-listen-stack-grouping: where devices call, over SSH. */
const endpoint = z.strictObject({
  name: z.string(),
  ssh: z.strictObject({
    'tcp-server-parameters': z.strictObject({
      'local-bind': listBy(
        'local-address',
        z.strictObject({ 'local-address': ipAddress, 'local-port': portNumber.default(callHomeSshPort) }),
      ).min(1),
    }),
    'ssh-client-parameters': sshClientGrouping,
    'netconf-client-parameters': z.strictObject({}).optional(),
  }),
});

/** container netconf-client: listening for call home over SSH. */
export const netconfClient = z.strictObject({
  listen: z.strictObject({
    // The model's default of 180 s would throw out quiet devices, so it has to be turned off in writing.
    'idle-timeout': z.literal(0, {
      error: 'must be given, and 0: sessions of connected devices are kept open',
    }),
    endpoints: z.strictObject({ endpoint: listByName(endpoint).min(1) }),
  }),
});

import { z } from 'zod';
import { agent } from './callhome-agent.js';
import { nms } from './callhome-nms.js';
import { keystore } from './ietf-keystore.js';
import { netconfClient } from './ietf-netconf-client.js';
import { netconfServer } from './ietf-netconf-server.js';
import { truststore } from './ietf-truststore.js';

/** The top of every configuration document, of either program. */
export const members = {
  'ietf-keystore:keystore': keystore,
  'ietf-truststore:truststore': truststore,
  'ietf-netconf-server:netconf-server': netconfServer,
  'ietf-netconf-client:netconf-client': netconfClient,
  'callhome-agent:agent': agent,
  'callhome-nms:nms': nms,
};

export const configuration = z.strictObject(members);

export type Configuration = z.infer<typeof configuration>;

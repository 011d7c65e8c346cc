import { z } from 'zod';
import { agent } from './modules/callhome-agent.js';
import { nms } from './modules/callhome-nms.js';
import { keystore } from './modules/ietf-keystore.js';
import { netconfClient } from './modules/ietf-netconf-client.js';
import { netconfServer } from './modules/ietf-netconf-server.js';
import { truststore } from './modules/ietf-truststore.js';

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

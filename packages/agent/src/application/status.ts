import { host, portNumber } from '@callhome/shared/config/modules/ietf-inet-types.js';
import { container, leaf, presence } from '@callhome/shared/config/yang/node.js';
import { enumeration, string, uint32 } from '@callhome/shared/config/yang/types.js';
import { z } from 'zod';

function always<T extends z.ZodType>(type: T, description: string) {
  return leaf(type, { mandatory: true, description });
}
function sometimes<T extends z.ZodType>(type: T, description: string) {
  return leaf(type, { description });
}

/** As in RFC 3339. */
const time = string;
const count = uint32();

/**
 * What is to be seen of an application, for programs and people; `state-data` has it for NETCONF, by the names that
 * follow from these.
 */
export const applicationMembers = {
  application: always(string, 'As it is called in the configuration.'),
  connectionType: always(enumeration(['persistent', 'periodic']), 'How long it stays connected.'),
  state: always(enumeration(['waiting', 'dialling', 'authenticating', 'connected']), 'What it is doing.'),
  endpoint: always(string, 'Of the connection, or of the attempt that is made or comes next.'),
  address: always(host, "The endpoint's address."),
  port: always(portNumber, "The endpoint's port."),
  attempt: always(count, 'The number of the attempt at this endpoint, from 1.'),
  maxAttempts: always(count, 'After so many the next endpoint is tried.'),
  nextAttempt: sometimes(time, 'When the next attempt is due.'),
  connectedSince: sometimes(time, 'When the user logged in.'),
  user: sometimes(string, 'Who is logged in.'),
  sessions: always(count, 'NETCONF sessions that are open.'),
  // What it tells of may have been repaired since. After a periodic connection that ended in order there is none. In the
  // YANG module it is a container without presence: it is never empty.
  lastError: presence(
    {
      code: sometimes(string, 'For programs.'),
      message: always(string, 'For people.'),
      endpoint: always(string, 'Where it happened.'),
      at: always(time, 'When it happened.'),
    },
    { description: 'Why the last attempt failed, or the last connection was lost.' },
  ),
  totals: container(
    {
      attempts: always(count, 'Attempts made.'),
      failures: always(count, 'Attempts that failed.'),
      connections: always(count, 'Attempts that succeeded.'),
      sessions: always(count, 'NETCONF sessions, open ones too.'),
    },
    { description: 'Since the application was started.' },
  ),
};

const applicationStatus = z.object(applicationMembers);

export type ApplicationStatus = z.infer<typeof applicationStatus>;

/** Of all applications: what the agent answers its commands. */
export const applicationStatuses = z.array(applicationStatus);

import { host, portNumber } from '@callhome/shared/config/modules/ietf-inet-types.js';
import { container, leaf, list } from '@callhome/shared/config/yang/node.js';
import { enumeration, string, uint32 } from '@callhome/shared/config/yang/types.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import type { ApplicationStatus } from './status.js';
import { viewOf } from './status-view.js';

// container state of callhome-agent: what `callhome-agent status --json` shows, as YANG has it.

const text = (description: string) => leaf(string, { description });
const count = (description: string) => leaf(uint32(), { description });

const shape = {
  'callhome-agent:state': container(
    {
      application: list(
        'name',
        {
          name: leaf(string, { mandatory: true, description: 'As it is called in the configuration.' }),
          'connection-type': leaf(enumeration(['persistent', 'periodic']), {
            description: 'How long it stays connected.',
          }),
          state: leaf(enumeration(['waiting', 'dialling', 'authenticating', 'connected']), {
            description: 'What it is doing.',
          }),
          endpoint: text('Of the connection, or of the attempt that is made or comes next.'),
          address: leaf(host, { description: "The endpoint's address." }),
          port: leaf(portNumber, { description: "The endpoint's port." }),
          attempt: count('The number of the attempt at this endpoint, from 1.'),
          'max-attempts': count('After so many the next endpoint is tried.'),
          'next-attempt': text('When the next attempt is due.'),
          'connected-since': text('When the user logged in.'),
          user: text('Who is logged in.'),
          sessions: count('NETCONF sessions that are open.'),
          'last-error': container(
            {
              code: text('For programs.'),
              message: text('For people.'),
              endpoint: text('Where it happened.'),
              at: text('When it happened.'),
            },
            { description: 'Why the last attempt failed, or the last connection was lost.' },
          ),
          totals: container(
            {
              attempts: count('Attempts made.'),
              failures: count('Attempts that failed.'),
              connections: count('Attempts that succeeded.'),
              sessions: count('NETCONF sessions, open ones too.'),
            },
            { description: 'Since the application was started.' },
          ),
        },
        { description: 'An application.' },
      ),
    },
    { description: 'What the agent is doing.' },
  ),
};

/** What the agent is doing, as XML. */
export function stateXml(statuses: readonly ApplicationStatus[]): string {
  const application = statuses.map(viewOf).map((view) => ({
    name: view.application,
    'connection-type': view.connectionType,
    state: view.state,
    endpoint: view.endpoint,
    address: view.address,
    port: view.port,
    attempt: view.attempt,
    'max-attempts': view.maxAttempts,
    'next-attempt': view.nextAttempt,
    'connected-since': view.connectedSince,
    user: view.user,
    sessions: view.sessions,
    'last-error': view.lastError,
    totals: view.totals,
  }));
  return writeXml(shape, { 'callhome-agent:state': { application } }, { forPeers: true });
}

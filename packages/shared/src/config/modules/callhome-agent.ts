import { choice, container, leaf, list, presence } from '../yang/node.js';
import { string, stringOf, uint8, uint16 } from '../yang/types.js';
import { portNumber } from './ietf-inet-types.js';

const absolutePath = stringOf('string', 'an absolute path', (text) => /^\/[^\n]*$/.test(text));

/** What answers NETCONF on the device. */
const backend = container(
  choice(
    {
      embedded: presence(
        {},
        { description: 'The agent itself, with its own configuration as data. The default.' },
      ),
      command: presence(
        {
          program: leaf(absolutePath, {
            mandatory: true,
            description: 'Started for each session; speaks NETCONF on standard input and output.',
          }),
          argument: list(
            'position',
            {
              position: leaf(uint8(), { mandatory: true, description: 'The arguments are in this order.' }),
              value: leaf(string, { mandatory: true, description: 'The argument itself.' }),
            },
            { description: 'An argument of the program.' },
          ),
          environment: container(
            {
              'shown-server-port': leaf(portNumber, {
                description:
                  "The server's port in SSH_CONNECTION, where the program wants another than the real one.",
              }),
            },
            {
              description: 'What the program is shown besides the user and the addresses of the connection.',
            },
          ),
        },
        { description: 'A program on the device.' },
      ),
    },
    { mandatory: false },
  ),
  { description: 'What answers NETCONF on the device.' },
);

/** container agent: what the IETF model leaves open. */
export const agent = container(
  {
    backend,
    'backoff-cap': leaf(uint16(1, 3600), {
      default: 60,
      units: 'seconds',
      description: 'The longest pause between two rounds over all endpoints of an application.',
    }),
    'handshake-timeout': leaf(uint16(1, 600), {
      default: 30,
      units: 'seconds',
      description: 'For the handshake and authentication of one attempt together.',
    }),
    'max-sessions': leaf(uint16(1, 1000), {
      default: 10,
      description: 'NETCONF sessions at once on one connection.',
    }),
    'session-linger': leaf(uint16(1, 3600), {
      default: 5,
      units: 'seconds',
      description:
        'How long a connection waits for another session when its last one was closed by `<close-session>`; then it is ended.',
    }),
  },
  { description: "The agent's own settings." },
);

/** Augments a `netconf-client`: how the device says who it is before SSH starts (Junos outbound SSH). */
export const outboundSsh = presence(
  {
    'device-id': leaf(string, {
      mandatory: true,
      description: 'The name by which the collector knows the device.',
    }),
    secret: leaf(string, {
      secret: true,
      description: 'Shared with the collector: it vouches for the host key.',
    }),
  },
  {
    description: "The initiation sequence of Junos's outbound SSH.",
    refused: 'the initiation of Junos outbound SSH is not supported yet',
  },
);

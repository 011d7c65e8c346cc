import { absent, choice, container, leaf, list, presence } from '../yang/node.js';
import { enumeration, string, uint8, uint16 } from '../yang/types.js';
import { outboundSsh } from './callhome-agent.js';
import { sshServerGrouping } from './ietf-ssh-server.js';
import { tcpClientGrouping } from './ietf-tcp-client.js';
import { tcpServerGrouping } from './ietf-tcp-server.js';
import { tlsServerGrouping } from './ietf-tls-server.js';
import { certToName } from './ietf-x509-cert-to-name.js';
import { dateAndTime } from './ietf-yang-types.js';

/** The ports of IANA's `netconf-ch-ssh` and `netconf-ch-tls` (RFC 8071). */
export const callHomeSshPort = 4334;
export const callHomeTlsPort = 4335;

const name = leaf(string, { mandatory: true, description: 'What it is called here.' });

const sshServer = {
  'ssh-server-parameters': container(sshServerGrouping, { description: "The device's end of SSH." }),
  'netconf-server-parameters': container(
    { 'client-identity-mappings': absent('ietf-ssh-common:ssh-x509-certs') },
    { description: 'NETCONF: there is nothing to set.' },
  ),
};

const tlsServer = {
  'tls-server-parameters': container(tlsServerGrouping, { description: "The device's end of TLS." }),
  'netconf-server-parameters': container(
    {
      'client-identity-mappings': container(certToName, {
        description: 'How user names are found in client certificates.',
      }),
    },
    { description: 'NETCONF.' },
  ),
};

const tlsRefused = 'TLS is not supported yet';

/** grouping netconf-server-listen-stack-grouping. */
const listenStack = choice(
  {
    ssh: container(
      {
        'tcp-server-parameters': container(tcpServerGrouping(830), { description: 'Where to listen.' }),
        ...sshServer,
      },
      { description: 'NETCONF over SSH.' },
    ),
    tls: container(
      {
        'tcp-server-parameters': container(tcpServerGrouping(6513), { description: 'Where to listen.' }),
        ...tlsServer,
      },
      { description: 'NETCONF over TLS.' },
    ),
  },
  { mandatory: true },
);

/** grouping netconf-server-callhome-stack-grouping: one server of an application. */
const callHomeStack = choice(
  {
    ssh: container(
      {
        'tcp-client-parameters': container(tcpClientGrouping(callHomeSshPort), {
          description: 'Where and how to dial.',
        }),
        ...sshServer,
      },
      { description: 'NETCONF over SSH.' },
    ),
    tls: container(
      {
        'tcp-client-parameters': container(tcpClientGrouping(callHomeTlsPort), {
          description: 'Where and how to dial.',
        }),
        ...tlsServer,
      },
      { description: 'NETCONF over TLS.', refused: tlsRefused },
    ),
  },
  { mandatory: true },
);

const anchorTime = dateAndTime(
  'a date and a time with full minutes and a time zone, such as 2026-01-31T02:30:00+01:00',
  /^[0-9]{4}-(1[0-2]|0[1-9])-(0[1-9]|[1-2][0-9]|3[0-1])T(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]:00(Z|[+-]((1[0-3]|0[0-9]):([0-5][0-9])|14:00))$/,
);

const connectionType = container(
  choice(
    {
      persistent: presence({}, { description: 'Connected always: a lost connection is made again at once.' }),
      periodic: presence(
        {
          period: leaf(uint16(), {
            default: 60,
            units: 'minutes',
            description: 'From the start of one connection to the start of the next.',
          }),
          'anchor-time': leaf(anchorTime, {
            description: 'Connections start at whole periods before and after it.',
          }),
          'idle-timeout': leaf(uint16(), {
            default: 180,
            units: 'seconds',
            description: 'Without a message this long the connection is closed; 0 is never.',
          }),
        },
        { description: 'Connected from time to time.' },
      ),
    },
    { mandatory: true },
  ),
  { description: 'How long to stay connected.' },
);

const reconnectStrategy = container(
  {
    'start-with': leaf(enumeration(['first-listed', 'last-connected', 'random-selection']), {
      default: 'first-listed',
      description: 'Which endpoint to try first.',
    }),
    'max-wait': leaf(uint16(1), {
      default: 5,
      units: 'seconds',
      description: 'For the TCP connection of one attempt, all addresses of the name together.',
    }),
    'max-attempts': leaf(uint8(1), {
      default: 3,
      description: 'Attempts at one endpoint before the next one.',
    }),
  },
  { description: 'In which order the endpoints are tried; they are tried for ever.' },
);

/** container netconf-server. */
export const netconfServer = container(
  {
    listen: presence(
      {
        'idle-timeout': leaf(uint16(), {
          default: 180,
          units: 'seconds',
          description: 'Without a message this long a session is closed; 0 is never.',
        }),
        endpoints: container(
          { endpoint: list('name', { name, ...listenStack }, { min: 1, description: 'Where to listen.' }) },
          { description: 'Where to listen.' },
        ),
      },
      { description: 'Listening for clients.', refused: 'listening is not supported yet' },
    ),
    'call-home': presence(
      {
        'netconf-client': list(
          'name',
          {
            name,
            endpoints: container(
              {
                endpoint: list(
                  'name',
                  { name, ...callHomeStack },
                  {
                    min: 1,
                    description: 'One server of the management system. Their order is that of the attempts.',
                  },
                ),
              },
              { description: 'The servers of the management system.' },
            ),
            'connection-type': connectionType,
            'reconnect-strategy': reconnectStrategy,
            'callhome-agent:outbound-ssh': outboundSsh,
          },
          { min: 1, description: 'A management system to call: an application.' },
        ),
      },
      { description: 'Calling home.' },
    ),
  },
  { description: 'The device.' },
);

import { absent, choice, container, leaf, list, presence } from '../yang/node.js';
import { string, uint16 } from '../yang/types.js';
import { callHomeSshPort, callHomeTlsPort } from './ietf-netconf-server.js';
import { sshClientGrouping } from './ietf-ssh-client.js';
import { tcpServerGrouping } from './ietf-tcp-server.js';
import { tlsClientGrouping } from './ietf-tls-client.js';

const netconfClientParameters = container({}, { description: 'NETCONF: there is nothing to set.' });

/** grouping netconf-client-listen-stack-grouping. */
const listenStack = choice(
  {
    ssh: container(
      {
        'tcp-server-parameters': container(tcpServerGrouping(callHomeSshPort), {
          description: 'Where devices call.',
        }),
        'ssh-client-parameters': container(sshClientGrouping, { description: "The collector's end of SSH." }),
        'netconf-client-parameters': netconfClientParameters,
      },
      { description: 'NETCONF over SSH.' },
    ),
    tls: container(
      {
        'tcp-server-parameters': container(tcpServerGrouping(callHomeTlsPort), {
          description: 'Where devices call.',
        }),
        'tls-client-parameters': container(
          tlsClientGrouping,
          { description: "The collector's end of TLS." },
          [{ holds: (node) => node['client-identity'] !== undefined, error: 'must have "client-identity"' }],
        ),
        'netconf-client-parameters': netconfClientParameters,
      },
      { description: 'NETCONF over TLS.', refused: 'TLS is not supported yet' },
    ),
  },
  { mandatory: true },
);

/** container netconf-client. */
export const netconfClient = container(
  {
    initiate: absent('ietf-netconf-client:ssh-initiate'),
    listen: presence(
      {
        // The model's default would throw out quiet devices, so it has to be turned off in writing.
        'idle-timeout': leaf(uint16(), {
          default: 180,
          units: 'seconds',
          description: 'Without a message this long a session is closed; 0 is never.',
          refused: (value) =>
            value === 0 ? undefined : 'must be written, and 0: connected devices stay connected',
        }),
        endpoints: container(
          {
            endpoint: list(
              'name',
              {
                name: leaf(string, { mandatory: true, description: 'What it is called here.' }),
                ...listenStack,
              },
              { min: 1, description: 'Where devices call.' },
            ),
          },
          { description: 'Where devices call.' },
        ),
      },
      { description: 'Listening for devices that call home.' },
    ),
  },
  { description: 'The collector.' },
);

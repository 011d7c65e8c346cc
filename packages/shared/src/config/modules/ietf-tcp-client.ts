import { absent, choice, container, leaf, presence } from '../yang/node.js';
import { string } from '../yang/types.js';
import { passwordGrouping } from './ietf-crypto-types.js';
import { host, ipAddress, portNumber } from './ietf-inet-types.js';
import { tcpCommonGrouping } from './ietf-tcp-common.js';

const proxyPort = leaf(portNumber, { default: 1080, description: "The proxy's port." });

const proxyServer = presence(
  choice(
    {
      'socks4-parameters': container(
        {
          'remote-address': leaf(ipAddress, { mandatory: true, description: "The proxy's address." }),
          'remote-port': proxyPort,
        },
        { description: 'SOCKS 4: the agent resolves the name, to IPv4 alone.' },
      ),
      'socks4a-parameters': container(
        {
          'remote-address': leaf(host, { mandatory: true, description: "The proxy's address or name." }),
          'remote-port': proxyPort,
        },
        { description: 'SOCKS 4a: the proxy resolves the name.' },
      ),
      'socks5-parameters': container(
        {
          'remote-address': leaf(host, { mandatory: true, description: "The proxy's address or name." }),
          'remote-port': proxyPort,
          'authentication-parameters': presence(
            {
              'gss-api': absent('ietf-tcp-client:socks5-gss-api'),
              ...choice(
                {
                  'username-password': container(
                    {
                      username: leaf(string, { mandatory: true, description: 'The user at the proxy.' }),
                      ...passwordGrouping,
                    },
                    { description: 'A user name and a password (RFC 1929).' },
                  ),
                },
                { mandatory: true },
              ),
            },
            { description: 'How to log in to the proxy; without it there is no login.' },
          ),
        },
        { description: 'SOCKS 5 (RFC 1928): the proxy resolves the name.' },
      ),
    },
    { mandatory: true },
  ),
  {
    description: 'Dials through a SOCKS proxy.',
  },
);

/** grouping tcp-client-grouping. */
export function tcpClientGrouping(defaultPort: number) {
  return {
    'remote-address': leaf(host, { mandatory: true, description: 'The address or name to dial.' }),
    'remote-port': leaf(portNumber, { default: defaultPort, description: 'The port to dial.' }),
    'local-address': leaf(ipAddress, {
      description: 'The address to dial from; without it, as the routes have it.',
    }),
    'local-port': leaf(portNumber, {
      default: 0,
      description: 'The port to dial from; 0 is any.',
    }),
    'proxy-server': proxyServer,
    ...tcpCommonGrouping,
  };
}

import { leaf, list } from '../yang/node.js';
import { ipAddress, portNumber } from './ietf-inet-types.js';
import { tcpCommonGrouping } from './ietf-tcp-common.js';

/** grouping tcp-server-grouping. */
export function tcpServerGrouping(defaultPort: number) {
  return {
    'local-bind': list(
      'local-address',
      {
        'local-address': leaf(ipAddress, {
          mandatory: true,
          description: 'The address to listen on: `0.0.0.0` is every IPv4 address, `::` every IPv6 one.',
        }),
        'local-port': leaf(portNumber, { default: defaultPort, description: 'The port to listen on.' }),
      },
      { min: 1, description: 'Where to listen.' },
    ),
    ...tcpCommonGrouping,
  };
}

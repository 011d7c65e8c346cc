import { container, leaf } from '../yang/node.js';
import { string, uint8, uint16, uint32 } from '../yang/types.js';
import { ipAddressNoZone, portNumber } from './ietf-inet-types.js';

/** container nms: what the IETF model leaves open. */
export const nms = container(
  {
    api: container(
      {
        address: leaf(ipAddressNoZone, { default: '127.0.0.1', description: 'The address to listen on.' }),
        port: leaf(portNumber, { default: 8334, description: 'The port to listen on; 0 is any.' }),
      },
      { description: 'The HTTP API that the command line and programs use.' },
    ),
    admission: container(
      {
        'max-connections': leaf(uint32(1, 1_000_000), {
          default: 20_000,
          description: 'Connections at once, established or not.',
        }),
        'max-handshakes': leaf(uint32(1, 100_000), {
          default: 512,
          description: 'Connections at once that have not authenticated yet.',
        }),
        'handshake-timeout': leaf(uint16(1, 600), {
          default: 30,
          units: 'seconds',
          description: 'For the handshake and authentication together.',
        }),
      },
      { description: 'What is let in.' },
    ),
    'device-defaults': container(
      {
        user: leaf(string, {
          default: 'callhome',
          description:
            'The user to log in as, where neither the device, nor its profile, nor its endpoint has one.',
        }),
      },
      { description: 'What holds for a device that says nothing else.' },
    ),
    history: container(
      {
        days: leaf(uint16(1, 3650), {
          default: 90,
          units: 'days',
          description: 'For how long a connection is kept after its end.',
        }),
        connections: leaf(uint16(1, 10_000), {
          default: 100,
          description: 'How many are kept of each device: the last ones.',
        }),
        flapping: container(
          {
            ends: leaf(uint8(2, 10), { default: 5, description: 'From so many ends of connections on.' }),
            within: leaf(uint16(1, 1440), {
              default: 10,
              units: 'minutes',
              description: 'How far back an end counts.',
            }),
          },
          { description: 'When a device that connects again and again is marked.' },
        ),
      },
      { description: 'What is kept of connections that have ended.' },
    ),
  },
  { description: "The collector's own settings." },
);

import { absent, choice, container, leaf, presence } from '../yang/node.js';
import { string } from '../yang/types.js';
import { inlineOrKeystoreEndEntityCertWithKey, inlineOrKeystoreSymmetricKey } from './ietf-keystore.js';
import { helloParams, tlsKeepalives, trustedPeers } from './ietf-tls-common.js';

const module = 'ietf-tls-server';

/** grouping tls-server-grouping, with certificates of clients asked for, as the NETCONF server has it. */
export const tlsServerGrouping = {
  'server-identity': container(
    {
      ...choice(
        {
          certificate: container(inlineOrKeystoreEndEntityCertWithKey, {
            description: 'A certificate and its key.',
          }),
          'tls12-psk': container(
            {
              ...inlineOrKeystoreSymmetricKey,
              'id-hint': leaf(string, { description: 'A hint to the client which key to take.' }),
            },
            { description: 'A pre-shared key of TLS 1.2.' },
          ),
        },
        { mandatory: true },
      ),
      'raw-private-key': absent(`${module}:server-ident-raw-public-key`),
      'tls13-epsk': absent(`${module}:server-ident-tls13-epsk`),
    },
    { description: 'Who the device is.' },
  ),
  'client-authentication': presence(
    trustedPeers(module, 'client-auth'),
    { description: 'Which clients are let in.' },
    [
      {
        holds: (node) => node['ca-certs'] !== undefined || node['ee-certs'] !== undefined,
        error: 'must have "ca-certs" or "ee-certs"',
      },
    ],
  ),
  'hello-params': helloParams,
  keepalives: tlsKeepalives,
};

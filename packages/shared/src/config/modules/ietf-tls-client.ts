import { absent, choice, container, leaf, presence } from '../yang/node.js';
import { string } from '../yang/types.js';
import { inlineOrKeystoreEndEntityCertWithKey, inlineOrKeystoreSymmetricKey } from './ietf-keystore.js';
import { helloParams, tlsKeepalives, trustedPeers, trustsPeers } from './ietf-tls-common.js';

const module = 'ietf-tls-client';

/** grouping tls-client-grouping. */
export const tlsClientGrouping = {
  'client-identity': presence(
    {
      ...choice(
        {
          certificate: container(inlineOrKeystoreEndEntityCertWithKey, {
            description: 'A certificate and its key.',
          }),
          'tls12-psk': container(
            {
              ...inlineOrKeystoreSymmetricKey,
              id: leaf(string, { description: 'The identity that goes with the key.' }),
            },
            { description: 'A pre-shared key of TLS 1.2.' },
          ),
        },
        { mandatory: true },
      ),
      'raw-private-key': absent(`${module}:client-ident-raw-public-key`),
      'tls13-epsk': absent(`${module}:client-ident-tls13-epsk`),
    },
    { description: 'How to log in.' },
  ),
  'server-authentication': container(
    trustedPeers(module, 'server-auth'),
    { description: 'Which devices are trusted.' },
    [trustsPeers],
  ),
  'hello-params': helloParams,
  keepalives: tlsKeepalives,
};

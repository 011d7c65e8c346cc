import { absent, container, leaf, presence } from '../yang/node.js';
import { string } from '../yang/types.js';
import { passwordGrouping } from './ietf-crypto-types.js';
import { inlineOrKeystoreAsymmetricKey } from './ietf-keystore.js';
import { keepalives, transportParamsGrouping } from './ietf-ssh-common.js';
import { inlineOrTruststorePublicKeys } from './ietf-truststore.js';

const module = 'ietf-ssh-client';
const x509 = 'ietf-ssh-common:ssh-x509-certs';

/** grouping ssh-client-grouping. */
export const sshClientGrouping = {
  'client-identity': container(
    {
      username: leaf(string, { description: 'The user to log in as, where a device has none of its own.' }),
      'public-key': presence(inlineOrKeystoreAsymmetricKey, { description: 'The key pair to log in with.' }),
      password: presence(passwordGrouping, {
        description: 'The password to log in with.',
        refused: 'passwords are not supported yet',
      }),
      hostbased: absent(`${module}:client-ident-hostbased`),
      none: absent(`${module}:client-ident-none`),
      certificate: absent(x509),
    },
    { description: 'How to log in.' },
  ),
  'server-authentication': container(
    {
      'ssh-host-keys': presence(inlineOrTruststorePublicKeys(), {
        description: 'The host keys of devices. Those of the registry are trusted besides.',
      }),
      'ca-certs': absent(x509),
      'ee-certs': absent(x509),
    },
    { description: 'Which devices are trusted.' },
    [{ holds: (node) => node['ssh-host-keys'] !== undefined, error: 'must have "ssh-host-keys"' }],
  ),
  'transport-params': container(transportParamsGrouping, {
    description: 'The algorithms to offer; where a list is empty, those that are secure today.',
    refused: 'chosen algorithms are not supported yet',
  }),
  keepalives,
};

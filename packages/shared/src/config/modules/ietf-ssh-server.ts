import { absent, choice, container, leaf, list, presence } from '../yang/node.js';
import { string } from '../yang/types.js';
import { cryptHash } from './iana-crypt-hash.js';
import { inlineOrKeystoreAsymmetricKey } from './ietf-keystore.js';
import { keepalives, transportParamsGrouping } from './ietf-ssh-common.js';
import { inlineOrTruststorePublicKeys } from './ietf-truststore.js';

const module = 'ietf-ssh-server';
const x509 = 'ietf-ssh-common:ssh-x509-certs';

/** grouping ssh-server-grouping. */
export const sshServerGrouping = {
  'server-identity': container(
    {
      'host-key': list(
        'name',
        {
          name: leaf(string, { mandatory: true, description: 'What it is called here.' }),
          ...choice(
            { 'public-key': container(inlineOrKeystoreAsymmetricKey, { description: 'A key pair.' }) },
            { mandatory: true },
          ),
          certificate: absent(x509),
        },
        { min: 1, description: 'The host keys, which prove who the device is.' },
      ),
    },
    { description: 'Who the device is.' },
  ),
  'client-authentication': container(
    {
      users: container(
        {
          user: list(
            'name',
            {
              name: leaf(string, { mandatory: true, description: 'The name to log in with.' }),
              'public-keys': presence(inlineOrTruststorePublicKeys(), {
                description: 'Public keys, one of which the user has to have.',
              }),
              password: container(
                {
                  'hashed-password': leaf(cryptHash, {
                    secret: true,
                    description: 'The password that the user has to know.',
                  }),
                  'last-modified': absent('config false'),
                },
                { description: 'A password; a user who has keys too needs both.' },
              ),
              hostbased: absent(`${module}:local-user-auth-hostbased`),
              none: absent(`${module}:local-user-auth-none`),
            },
            { description: 'Who may log in; a user has to pass all methods that are configured here.' },
          ),
        },
        { description: 'Who may log in.' },
      ),
      'ca-certs': absent(x509),
      'ee-certs': absent(x509),
    },
    { description: 'Who is let in.' },
  ),
  'transport-params': container(transportParamsGrouping, {
    description: 'The algorithms to offer; where a list is empty, those that are secure today.',
  }),
  keepalives,
};

import { choice, container, type Fields, isFields, leaf, list, type Rule } from '../yang/node.js';
import { member } from '../yang/path.js';
import { string } from '../yang/types.js';
import { publicKeyFormatRule, publicKeyGrouping, trustAnchorCertGrouping } from './ietf-crypto-types.js';

const root = 'ietf-truststore:truststore';

const name = leaf(string, { mandatory: true, description: 'What it is called here.' });
const description = leaf(string, { description: 'For people.' });

function publicKeys(rules: readonly Rule[] = []) {
  return list('name', { name, ...publicKeyGrouping }, { description: 'The public keys.' }, rules);
}

/** container truststore: whom to trust, in bags that others refer to. */
export const truststore = container(
  {
    'certificate-bags': container(
      {
        'certificate-bag': list(
          'name',
          {
            name,
            description,
            certificate: list(
              'name',
              { name, ...trustAnchorCertGrouping },
              { description: 'The certificates.' },
            ),
          },
          { description: 'Certificates that belong together.' },
        ),
      },
      { description: 'Bags of certificates.' },
    ),
    'public-key-bags': container(
      {
        'public-key-bag': list(
          'name',
          { name, description, 'public-key': publicKeys() },
          { description: 'Public keys that belong together.' },
        ),
      },
      { description: 'Bags of public keys.' },
    ),
  },
  { description: 'Whom to trust.' },
);

/** grouping inline-or-truststore-certs-grouping. */
export const inlineOrTruststoreCerts = choice(
  {
    'inline-definition': container(
      {
        certificate: list(
          'name',
          { name, ...trustAnchorCertGrouping },
          { min: 1, description: 'The certificates.' },
        ),
      },
      { description: 'Certificates given here.' },
    ),
    'central-truststore-reference': leaf(string, {
      description: 'A bag of certificates in the truststore.',
      leafref: {
        what: 'a certificate-bag of the truststore',
        list: (document) => member(document, root, 'certificate-bags', 'certificate-bag'),
      },
    }),
  },
  { mandatory: true },
);

/** grouping inline-or-truststore-public-keys-grouping, for SSH: the keys are in its format. */
export function inlineOrTruststorePublicKeys() {
  const format = publicKeyFormatRule('ssh-public-key-format');
  return choice(
    {
      'inline-definition': container(
        { 'public-key': publicKeys([format]) },
        { description: 'Public keys given here.' },
      ),
      'central-truststore-reference': leaf(string, {
        description: 'A bag of public keys in the truststore.',
        leafref: {
          what: 'a public-key-bag of the truststore',
          list: (document) => member(document, root, 'public-key-bags', 'public-key-bag'),
          must: {
            holds: (bag: Fields) => {
              const keys = bag['public-key'];
              return !Array.isArray(keys) || keys.every((key) => !isFields(key) || format.holds(key));
            },
            error: `refers to a bag with a key that ${format.error}`,
          },
        },
      }),
    },
    { mandatory: true },
  );
}

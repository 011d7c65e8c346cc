import { choice, container, type Fields, type Find, type Leafref, leaf, list } from '../yang/node.js';
import { member } from '../yang/path.js';
import { string } from '../yang/types.js';
import {
  asymmetricKeyPairGrouping,
  asymmetricKeyPairRules,
  asymmetricKeyPairWithCertGrouping,
  asymmetricKeyPairWithCertsGrouping,
  publicKeyFormatRule,
  symmetricKeyGrouping,
  symmetricKeyRules,
} from './ietf-crypto-types.js';

const root = 'ietf-keystore:keystore';

const name = leaf(string, { mandatory: true, description: 'What it is called here.' });

/** container keystore: keys of our own, that others refer to. */
export const keystore = container(
  {
    'asymmetric-keys': container(
      {
        'asymmetric-key': list(
          'name',
          { name, ...asymmetricKeyPairWithCertsGrouping },
          { description: 'A key pair.' },
          asymmetricKeyPairRules,
        ),
      },
      { description: 'Key pairs.' },
    ),
    'symmetric-keys': container(
      {
        'symmetric-key': list(
          'name',
          { name, ...symmetricKeyGrouping },
          { description: 'A key that both sides share.' },
          symmetricKeyRules,
        ),
      },
      { description: 'Keys that both sides share.' },
    ),
  },
  { description: 'Keys of our own.' },
);

function asymmetricKeyRef(format: 'ssh-public-key-format' | 'subject-public-key-info-format'): Leafref {
  const rule = publicKeyFormatRule(format);
  return {
    what: 'an asymmetric-key of the keystore',
    list: (document) => member(document, root, 'asymmetric-keys', 'asymmetric-key'),
    must: { holds: rule.holds, error: `refers to a key that ${rule.error}` },
  };
}

/** The certificates of the key that the reference beside it names. */
function certificatesOf(document: Fields, parent: Fields, find: Find): unknown {
  const keys = member(document, root, 'asymmetric-keys', 'asymmetric-key');
  return member(find(keys, parent['asymmetric-key']), 'certificates', 'certificate');
}

/** grouping inline-or-keystore-symmetric-key-grouping. */
export const inlineOrKeystoreSymmetricKey = choice(
  {
    'inline-definition': container(
      symmetricKeyGrouping,
      { description: 'A key given here.' },
      symmetricKeyRules,
    ),
    'central-keystore-reference': leaf(string, {
      description: 'A symmetric key in the keystore.',
      leafref: {
        what: 'a symmetric-key of the keystore',
        list: (document) => member(document, root, 'symmetric-keys', 'symmetric-key'),
      },
    }),
  },
  { mandatory: true },
);

/** grouping inline-or-keystore-asymmetric-key-grouping, for SSH: a public key, where there is one, is in its format. */
export const inlineOrKeystoreAsymmetricKey = choice(
  {
    'inline-definition': container(asymmetricKeyPairGrouping, { description: 'A key pair given here.' }, [
      ...asymmetricKeyPairRules,
      publicKeyFormatRule('ssh-public-key-format'),
    ]),
    'central-keystore-reference': leaf(string, {
      description: 'A key pair in the keystore.',
      leafref: asymmetricKeyRef('ssh-public-key-format'),
    }),
  },
  { mandatory: true },
);

/** grouping inline-or-keystore-end-entity-cert-with-key-grouping, for TLS. */
export const inlineOrKeystoreEndEntityCertWithKey = choice(
  {
    'inline-definition': container(
      asymmetricKeyPairWithCertGrouping,
      { description: 'A key pair and its certificate, given here.' },
      [...asymmetricKeyPairRules, publicKeyFormatRule('subject-public-key-info-format')],
    ),
    'central-keystore-reference': container(
      {
        'asymmetric-key': leaf(string, {
          description: 'A key pair in the keystore.',
          leafref: asymmetricKeyRef('subject-public-key-info-format'),
        }),
        certificate: leaf(string, {
          description: "One of that key's certificates.",
          leafref: { what: 'a certificate of that key in the keystore', list: certificatesOf },
        }),
      },
      { description: 'A key pair and its certificate in the keystore.' },
      [
        {
          holds: (node) => (node['asymmetric-key'] === undefined) === (node['certificate'] === undefined),
          error: 'must have "asymmetric-key" and "certificate" together',
        },
      ],
    ),
  },
  { mandatory: true },
);

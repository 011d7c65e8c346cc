import { absent, choice, container, type Fields, leaf, list, type Rule } from '../yang/node.js';
import { binary, identityref, string } from '../yang/types.js';

const module = 'ietf-crypto-types';

const privateKeyFormat = identityref(module, [
  'rsa-private-key-format',
  'ec-private-key-format',
  'one-asymmetric-key-format',
]);
const publicKeyFormat = identityref(module, ['ssh-public-key-format', 'subject-public-key-info-format']);
const symmetricKeyFormat = identityref(module, ['octet-string-key-format', 'one-symmetric-key-format']);

/** A `must` of the model: who uses a key wants it in this format, where its format is told. */
export function publicKeyFormatRule(
  format: 'ssh-public-key-format' | 'subject-public-key-info-format',
): Rule {
  const identity = `${module}:${format}`;
  return {
    holds: (key) => key['public-key-format'] === undefined || key['public-key-format'] === identity,
    error: `must be in the public-key-format ${identity}`,
  };
}

/** A member that needs another beside it. */
function needs(member: string, other: string): Rule {
  return {
    holds: (node: Fields) => node[member] === undefined || node[other] !== undefined,
    error: `"${member}" needs "${other}" beside it`,
  };
}

/** grouping password-grouping. */
export const passwordGrouping = {
  ...choice(
    {
      'cleartext-password': leaf(string, { secret: true, description: 'The password itself.' }),
    },
    { mandatory: true },
  ),
  'encrypted-password': absent(`${module}:encrypted-passwords`),
};

/** grouping symmetric-key-grouping. */
export const symmetricKeyGrouping = {
  'key-format': leaf(symmetricKeyFormat, { description: 'How the key is written.' }),
  ...choice(
    {
      'cleartext-symmetric-key': leaf(binary, { secret: true, description: 'The key itself.' }),
    },
    { mandatory: true },
  ),
  'hidden-symmetric-key': absent(`${module}:hidden-symmetric-keys`),
  'encrypted-symmetric-key': absent(`${module}:encrypted-symmetric-keys`),
};

export const symmetricKeyRules: readonly Rule[] = [needs('cleartext-symmetric-key', 'key-format')];

/** grouping public-key-grouping. */
export const publicKeyGrouping = {
  'public-key-format': leaf(publicKeyFormat, {
    mandatory: true,
    description: "How the public key is written: OpenSSH's form, or a SubjectPublicKeyInfo in DER.",
  }),
  'public-key': leaf(binary, { mandatory: true, description: 'The public key.' }),
};

/** grouping asymmetric-key-pair-grouping. */
export const asymmetricKeyPairGrouping = {
  'public-key-format': leaf(publicKeyFormat, {
    description: "How the public key is written: OpenSSH's form, or a SubjectPublicKeyInfo in DER.",
  }),
  'public-key': leaf(binary, { description: 'The public key; it has to belong to the private one.' }),
  'private-key-format': leaf(privateKeyFormat, {
    description: 'How the private key is written, in DER: PKCS#1, RFC 5915 or PKCS#8 (the one for Ed25519).',
  }),
  ...choice(
    {
      'cleartext-private-key': leaf(binary, { secret: true, description: 'The private key.' }),
    },
    { mandatory: true },
  ),
  'hidden-private-key': absent(`${module}:hidden-private-keys`),
  'encrypted-private-key': absent(`${module}:encrypted-private-keys`),
};

export const asymmetricKeyPairRules: readonly Rule[] = [needs('cleartext-private-key', 'private-key-format')];

/** grouping trust-anchor-cert-grouping, with `cert-data` mandatory, as all its users have it. */
export const trustAnchorCertGrouping = {
  'cert-data': leaf(binary, {
    mandatory: true,
    secret: true,
    description: 'The certificates: a CMS SignedData in DER.',
  }),
};

/** grouping asymmetric-key-pair-with-cert-grouping. */
export const asymmetricKeyPairWithCertGrouping = {
  ...asymmetricKeyPairGrouping,
  'cert-data': leaf(binary, {
    secret: true,
    description: "The key's certificate and its chain: a CMS SignedData in DER.",
  }),
};

/** grouping asymmetric-key-pair-with-certs-grouping. */
export const asymmetricKeyPairWithCertsGrouping = {
  ...asymmetricKeyPairGrouping,
  certificates: container(
    {
      certificate: list(
        'name',
        {
          name: leaf(string, { mandatory: true, description: 'What it is called here.' }),
          'cert-data': leaf(binary, {
            mandatory: true,
            secret: true,
            description: 'The certificate and its chain: a CMS SignedData in DER.',
          }),
        },
        { description: 'Certificates of the key.' },
      ),
    },
    { description: 'Certificates of the key.' },
  ),
};

import { leaf, list, type Rule } from '../yang/node.js';
import { identityref, string, stringOf, uint32 } from '../yang/types.js';

const module = 'ietf-x509-cert-to-name';

const tlsFingerprint = stringOf(
  'x509c2n:tls-fingerprint',
  'pairs of hexadecimal digits with colons between: the hash algorithm of TLS, then the hash',
  (text) => /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){0,254}$/.test(text),
);

const mapType = identityref(module, [
  'specified',
  'san-rfc822-name',
  'san-dns-name',
  'san-ip-address',
  'san-any',
  'common-name',
]);

const specified = `${module}:specified`;

const rules: readonly Rule[] = [
  {
    holds: (entry) => entry['map-type'] !== specified || entry['name'] !== undefined,
    error: `must have a "name": its map-type is ${specified}`,
  },
  {
    holds: (entry) => entry['map-type'] === specified || entry['name'] === undefined,
    error: `has a "name", which goes with the map-type ${specified} alone`,
  },
];

/** grouping cert-to-name, with the fingerprint optional, as the NETCONF server has it. */
export const certToName = {
  'cert-to-name': list(
    'id',
    {
      id: leaf(uint32(), { mandatory: true, description: 'Tells the entries apart, and gives their order.' }),
      fingerprint: leaf(tlsFingerprint, {
        description: 'The certificate, or one that it was issued under; without it, any certificate.',
      }),
      'map-type': leaf(mapType, {
        mandatory: true,
        description: 'Where in the certificate the user name stands, or that it is specified here.',
      }),
      name: leaf(string, { description: 'The user name, where it is specified.' }),
    },
    { min: 1, description: 'How user names are found in client certificates: the first entry that fits.' },
    rules,
  ),
};

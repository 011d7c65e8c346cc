import { z } from 'zod';
import type { PublicKey } from '../ssh/public-key.js';
import { publicKeyGrouping, readSshPublicKey } from './ietf-crypto-types.js';
import { exactlyOneOf, listByName } from './yang-list.js';

const publicKeys = listByName(z.strictObject({ name: z.string(), ...publicKeyGrouping }));

/** container truststore: the bags of public keys. */
export const truststore = z.strictObject({
  'public-key-bags': z
    .strictObject({
      'public-key-bag': listByName(
        z.strictObject({
          name: z.string(),
          description: z.string().optional(),
          'public-key': publicKeys.default([]),
        }),
      ).default([]),
    })
    .default({ 'public-key-bag': [] }),
});

export type Truststore = z.infer<typeof truststore>;

/** grouping inline-or-truststore-public-keys-grouping. */
export const inlineOrTruststorePublicKeys = z
  .strictObject({
    'inline-definition': z.strictObject({ 'public-key': publicKeys.min(1) }).optional(),
    'central-truststore-reference': z.string().optional(),
  })
  .check(exactlyOneOf(['inline-definition', 'central-truststore-reference']));

/**
 * The public keys that are meant; undefined when the truststore has no such bag.
 * @throws CALLHOME_KEY_INVALID
 */
export function resolvePublicKeys(
  node: z.infer<typeof inlineOrTruststorePublicKeys>,
  store: Truststore | undefined,
  what: string,
): PublicKey[] | undefined {
  const name = node['central-truststore-reference'];
  const keys = node['inline-definition']
    ? node['inline-definition']['public-key']
    : store?.['public-key-bags']['public-key-bag'].find((bag) => bag.name === name)?.['public-key'];
  return keys?.map((key) => readSshPublicKey(key, `${what} ${JSON.stringify(key.name)}`));
}

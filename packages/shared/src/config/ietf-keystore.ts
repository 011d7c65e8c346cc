import { z } from 'zod';
import type { KeyPair } from '../ssh/key-pair.js';
import { asymmetricKeyPairGrouping, readSshKeyPair } from './ietf-crypto-types.js';
import { exactlyOneOf, listByName } from './yang-list.js';

/** container keystore: the asymmetric keys. */
export const keystore = z.strictObject({
  'asymmetric-keys': z
    .strictObject({
      'asymmetric-key': listByName(
        z.strictObject({ name: z.string(), ...asymmetricKeyPairGrouping }),
      ).default([]),
    })
    .default({ 'asymmetric-key': [] }),
});

export type Keystore = z.infer<typeof keystore>;

/** grouping inline-or-keystore-asymmetric-key-grouping. */
export const inlineOrKeystoreAsymmetricKey = z
  .strictObject({
    'inline-definition': z.strictObject(asymmetricKeyPairGrouping).optional(),
    'central-keystore-reference': z.string().optional(),
  })
  .check(exactlyOneOf(['inline-definition', 'central-keystore-reference']));

/**
 * The key pair that is meant; undefined when the keystore has no such key.
 * @throws CALLHOME_KEY_INVALID
 */
export function resolveKeyPair(
  node: z.infer<typeof inlineOrKeystoreAsymmetricKey>,
  store: Keystore | undefined,
  what: string,
): KeyPair | undefined {
  if (node['inline-definition']) return readSshKeyPair(node['inline-definition'], what);
  const name = node['central-keystore-reference'];
  const entry = store?.['asymmetric-keys']['asymmetric-key'].find((key) => key.name === name);
  return entry && readSshKeyPair(entry, what);
}

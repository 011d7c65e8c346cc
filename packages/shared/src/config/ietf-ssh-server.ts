import { z } from 'zod';
import { inlineOrKeystoreAsymmetricKey } from './ietf-keystore.js';
import { keepalives } from './ietf-ssh-common.js';
import { inlineOrTruststorePublicKeys } from './ietf-truststore.js';
import { listByName } from './yang-list.js';

/** grouping ssh-server-grouping: host keys, users with public keys, keep-alives. */
export const sshServerGrouping = z.strictObject({
  'server-identity': z.strictObject({
    'host-key': listByName(
      z.strictObject({ name: z.string(), 'public-key': inlineOrKeystoreAsymmetricKey }),
    ).min(1),
  }),
  'client-authentication': z.strictObject({
    users: z.strictObject({
      user: listByName(z.strictObject({ name: z.string(), 'public-keys': inlineOrTruststorePublicKeys })).min(
        1,
      ),
    }),
  }),
  keepalives: keepalives.optional(),
});

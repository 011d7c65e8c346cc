import { z } from 'zod';
import { inlineOrKeystoreAsymmetricKey } from './ietf-keystore.js';
import { keepalives } from './ietf-ssh-common.js';
import { inlineOrTruststorePublicKeys } from './ietf-truststore.js';

/** grouping ssh-client-grouping: the client's user and key, the servers' host keys, keep-alives. */
export const sshClientGrouping = z.strictObject({
  'client-identity': z.strictObject({
    username: z.string().optional(),
    'public-key': inlineOrKeystoreAsymmetricKey,
  }),
  'server-authentication': z.strictObject({ 'ssh-host-keys': inlineOrTruststorePublicKeys }),
  keepalives: keepalives.optional(),
});

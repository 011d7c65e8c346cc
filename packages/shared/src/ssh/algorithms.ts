import type { Algorithms } from 'ssh2';

/**
 * What both ends offer, best first: nothing with SHA-1 or CBC. P-256 before Curve25519, for which ssh2 has to export and
 * import every key in DER: that is a sixth of the collector's processor time for a call.
 * No group exchange: there the server names the prime, and checking a huge one stops the whole process.
 * No compression: a peer's few bytes would inflate to gigabytes.
 */
export const algorithms = {
  kex: [
    'ecdh-sha2-nistp256',
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group16-sha512',
  ],
  serverHostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies Algorithms;

/** What users' keys may sign with: what host keys may. */
export const userKeyAlgorithms: readonly string[] = algorithms.serverHostKey;

import { enumeration } from '../yang/types.js';

const names = `
  ssh-dss ssh-rsa rsa-sha2-256 rsa-sha2-512 spki-sign-rsa spki-sign-dss pgp-sign-rsa pgp-sign-dss null
  ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 ecdsa-sha2-1.3.132.0.1
  ecdsa-sha2-1.2.840.10045.3.1.1 ecdsa-sha2-1.3.132.0.33 ecdsa-sha2-1.3.132.0.26 ecdsa-sha2-1.3.132.0.27
  ecdsa-sha2-1.3.132.0.16 ecdsa-sha2-1.3.132.0.36 ecdsa-sha2-1.3.132.0.37 ecdsa-sha2-1.3.132.0.38 x509v3-ssh-dss
  x509v3-ssh-rsa x509v3-rsa2048-sha256 x509v3-ecdsa-sha2-nistp256 x509v3-ecdsa-sha2-nistp384
  x509v3-ecdsa-sha2-nistp521 x509v3-ecdsa-sha2-1.3.132.0.1 x509v3-ecdsa-sha2-1.2.840.10045.3.1.1
  x509v3-ecdsa-sha2-1.3.132.0.33 x509v3-ecdsa-sha2-1.3.132.0.26 x509v3-ecdsa-sha2-1.3.132.0.27
  x509v3-ecdsa-sha2-1.3.132.0.16 x509v3-ecdsa-sha2-1.3.132.0.36 x509v3-ecdsa-sha2-1.3.132.0.37
  x509v3-ecdsa-sha2-1.3.132.0.38 ssh-ed25519 ssh-ed448
`;

/** Every name of IANA's registry, in October 2024. */
export const sshPublicKeyAlgorithm = enumeration(
  names.trim().split(/\s+/),
  "IANA's names of SSH public key algorithms",
);

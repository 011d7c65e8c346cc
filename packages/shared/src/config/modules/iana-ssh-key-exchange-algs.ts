import { enumeration } from '../yang/types.js';

const names = `
  diffie-hellman-group-exchange-sha1 diffie-hellman-group-exchange-sha256 diffie-hellman-group1-sha1
  diffie-hellman-group14-sha1 diffie-hellman-group14-sha256 diffie-hellman-group15-sha512
  diffie-hellman-group16-sha512 diffie-hellman-group17-sha512 diffie-hellman-group18-sha512 ecdh-sha2-nistp256
  ecdh-sha2-nistp384 ecdh-sha2-nistp521 ecdh-sha2-1.3.132.0.1 ecdh-sha2-1.2.840.10045.3.1.1
  ecdh-sha2-1.3.132.0.33 ecdh-sha2-1.3.132.0.26 ecdh-sha2-1.3.132.0.27 ecdh-sha2-1.3.132.0.16
  ecdh-sha2-1.3.132.0.36 ecdh-sha2-1.3.132.0.37 ecdh-sha2-1.3.132.0.38 ecmqv-sha2 gss-group1-sha1-nistp256
  gss-group1-sha1-nistp384 gss-group1-sha1-nistp521 gss-group1-sha1-1.3.132.0.1
  gss-group1-sha1-1.2.840.10045.3.1.1 gss-group1-sha1-1.3.132.0.33 gss-group1-sha1-1.3.132.0.26
  gss-group1-sha1-1.3.132.0.27 gss-group1-sha1-1.3.132.0.16 gss-group1-sha1-1.3.132.0.36
  gss-group1-sha1-1.3.132.0.37 gss-group1-sha1-1.3.132.0.38 gss-group14-sha1-nistp256 gss-group14-sha1-nistp384
  gss-group14-sha1-nistp521 gss-group14-sha1-1.3.132.0.1 gss-group14-sha1-1.2.840.10045.3.1.1
  gss-group14-sha1-1.3.132.0.33 gss-group14-sha1-1.3.132.0.26 gss-group14-sha1-1.3.132.0.27
  gss-group14-sha1-1.3.132.0.16 gss-group14-sha1-1.3.132.0.36 gss-group14-sha1-1.3.132.0.37
  gss-group14-sha1-1.3.132.0.38 gss-gex-sha1-nistp256 gss-gex-sha1-nistp384 gss-gex-sha1-nistp521
  gss-gex-sha1-1.3.132.0.1 gss-gex-sha1-1.2.840.10045.3.1.1 gss-gex-sha1-1.3.132.0.33 gss-gex-sha1-1.3.132.0.26
  gss-gex-sha1-1.3.132.0.27 gss-gex-sha1-1.3.132.0.16 gss-gex-sha1-1.3.132.0.36 gss-gex-sha1-1.3.132.0.37
  gss-gex-sha1-1.3.132.0.38 gss- rsa1024-sha1 rsa2048-sha256 ext-info-s ext-info-c gss-group14-sha256-nistp256
  gss-group14-sha256-nistp384 gss-group14-sha256-nistp521 gss-group14-sha256-1.3.132.0.1
  gss-group14-sha256-1.2.840.10045.3.1.1 gss-group14-sha256-1.3.132.0.33 gss-group14-sha256-1.3.132.0.26
  gss-group14-sha256-1.3.132.0.27 gss-group14-sha256-1.3.132.0.16 gss-group14-sha256-1.3.132.0.36
  gss-group14-sha256-1.3.132.0.37 gss-group14-sha256-1.3.132.0.38 gss-group15-sha512-nistp256
  gss-group15-sha512-nistp384 gss-group15-sha512-nistp521 gss-group15-sha512-1.3.132.0.1
  gss-group15-sha512-1.2.840.10045.3.1.1 gss-group15-sha512-1.3.132.0.33 gss-group15-sha512-1.3.132.0.26
  gss-group15-sha512-1.3.132.0.27 gss-group15-sha512-1.3.132.0.16 gss-group15-sha512-1.3.132.0.36
  gss-group15-sha512-1.3.132.0.37 gss-group15-sha512-1.3.132.0.38 gss-group16-sha512-nistp256
  gss-group16-sha512-nistp384 gss-group16-sha512-nistp521 gss-group16-sha512-1.3.132.0.1
  gss-group16-sha512-1.2.840.10045.3.1.1 gss-group16-sha512-1.3.132.0.33 gss-group16-sha512-1.3.132.0.26
  gss-group16-sha512-1.3.132.0.27 gss-group16-sha512-1.3.132.0.16 gss-group16-sha512-1.3.132.0.36
  gss-group16-sha512-1.3.132.0.37 gss-group16-sha512-1.3.132.0.38 gss-group17-sha512-nistp256
  gss-group17-sha512-nistp384 gss-group17-sha512-nistp521 gss-group17-sha512-1.3.132.0.1
  gss-group17-sha512-1.2.840.10045.3.1.1 gss-group17-sha512-1.3.132.0.33 gss-group17-sha512-1.3.132.0.26
  gss-group17-sha512-1.3.132.0.27 gss-group17-sha512-1.3.132.0.16 gss-group17-sha512-1.3.132.0.36
  gss-group17-sha512-1.3.132.0.37 gss-group17-sha512-1.3.132.0.38 gss-group18-sha512-nistp256
  gss-group18-sha512-nistp384 gss-group18-sha512-nistp521 gss-group18-sha512-1.3.132.0.1
  gss-group18-sha512-1.2.840.10045.3.1.1 gss-group18-sha512-1.3.132.0.33 gss-group18-sha512-1.3.132.0.26
  gss-group18-sha512-1.3.132.0.27 gss-group18-sha512-1.3.132.0.16 gss-group18-sha512-1.3.132.0.36
  gss-group18-sha512-1.3.132.0.37 gss-group18-sha512-1.3.132.0.38 gss-nistp256-sha256-nistp256
  gss-nistp256-sha256-nistp384 gss-nistp256-sha256-nistp521 gss-nistp256-sha256-1.3.132.0.1
  gss-nistp256-sha256-1.2.840.10045.3.1.1 gss-nistp256-sha256-1.3.132.0.33 gss-nistp256-sha256-1.3.132.0.26
  gss-nistp256-sha256-1.3.132.0.27 gss-nistp256-sha256-1.3.132.0.16 gss-nistp256-sha256-1.3.132.0.36
  gss-nistp256-sha256-1.3.132.0.37 gss-nistp256-sha256-1.3.132.0.38 gss-nistp384-sha384-nistp256
  gss-nistp384-sha384-nistp384 gss-nistp384-sha384-nistp521 gss-nistp384-sha384-1.3.132.0.1
  gss-nistp384-sha384-1.2.840.10045.3.1.1 gss-nistp384-sha384-1.3.132.0.33 gss-nistp384-sha384-1.3.132.0.26
  gss-nistp384-sha384-1.3.132.0.27 gss-nistp384-sha384-1.3.132.0.16 gss-nistp384-sha384-1.3.132.0.36
  gss-nistp384-sha384-1.3.132.0.37 gss-nistp384-sha384-1.3.132.0.38 gss-nistp521-sha512-nistp256
  gss-nistp521-sha512-nistp384 gss-nistp521-sha512-nistp521 gss-nistp521-sha512-1.3.132.0.1
  gss-nistp521-sha512-1.2.840.10045.3.1.1 gss-nistp521-sha512-1.3.132.0.33 gss-nistp521-sha512-1.3.132.0.26
  gss-nistp521-sha512-1.3.132.0.27 gss-nistp521-sha512-1.3.132.0.16 gss-nistp521-sha512-1.3.132.0.36
  gss-nistp521-sha512-1.3.132.0.37 gss-nistp521-sha512-1.3.132.0.38 gss-curve25519-sha256-nistp256
  gss-curve25519-sha256-nistp384 gss-curve25519-sha256-nistp521 gss-curve25519-sha256-1.3.132.0.1
  gss-curve25519-sha256-1.2.840.10045.3.1.1 gss-curve25519-sha256-1.3.132.0.33 gss-curve25519-sha256-1.3.132.0.26
  gss-curve25519-sha256-1.3.132.0.27 gss-curve25519-sha256-1.3.132.0.16 gss-curve25519-sha256-1.3.132.0.36
  gss-curve25519-sha256-1.3.132.0.37 gss-curve25519-sha256-1.3.132.0.38 gss-curve448-sha512-nistp256
  gss-curve448-sha512-nistp384 gss-curve448-sha512-nistp521 gss-curve448-sha512-1.3.132.0.1
  gss-curve448-sha512-1.2.840.10045.3.1.1 gss-curve448-sha512-1.3.132.0.33 gss-curve448-sha512-1.3.132.0.26
  gss-curve448-sha512-1.3.132.0.27 gss-curve448-sha512-1.3.132.0.16 gss-curve448-sha512-1.3.132.0.36
  gss-curve448-sha512-1.3.132.0.37 gss-curve448-sha512-1.3.132.0.38 curve25519-sha256 curve448-sha512
  sntrup761x25519-sha512 mlkem768nistp256-sha256 mlkem1024nistp384-sha384 mlkem768x25519-sha256
`;

/** Every name of IANA's registry, in October 2024. */
export const sshKeyExchangeAlgorithm = enumeration(
  names.trim().split(/\s+/),
  "IANA's names of SSH key exchange methods",
);

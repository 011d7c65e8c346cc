import { enumeration } from '../yang/types.js';

const names = `
  3des-cbc blowfish-cbc twofish256-cbc twofish-cbc twofish192-cbc twofish128-cbc aes256-cbc aes192-cbc aes128-cbc
  serpent256-cbc serpent192-cbc serpent128-cbc arcfour idea-cbc cast128-cbc none des-cbc arcfour128 arcfour256
  aes128-ctr aes192-ctr aes256-ctr 3des-ctr blowfish-ctr twofish128-ctr twofish192-ctr twofish256-ctr
  serpent128-ctr serpent192-ctr serpent256-ctr idea-ctr cast128-ctr AEAD_AES_128_GCM AEAD_AES_256_GCM
  chacha20-poly1305
`;

/** Every name of IANA's registry, in October 2024. */
export const sshEncryptionAlgorithm = enumeration(names.trim().split(/\s+/), "IANA's names of SSH ciphers");

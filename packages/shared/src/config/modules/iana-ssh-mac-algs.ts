import { enumeration } from '../yang/types.js';

const names = `
  hmac-sha1 hmac-sha1-96 hmac-md5 hmac-md5-96 none AEAD_AES_128_GCM AEAD_AES_256_GCM hmac-sha2-256 hmac-sha2-512
`;

/** Every name of IANA's registry, in October 2024. */
export const sshMacAlgorithm = enumeration(names.trim().split(/\s+/), "IANA's names of SSH MACs");

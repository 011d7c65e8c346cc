import { writeStrings } from '@callhome/shared/ssh/wire.js';

/** The lists of a KEXINIT, but for languages: each with commas. */
export interface Offer {
  readonly kex?: string;
  readonly hostKey?: string;
  readonly cipher?: string;
  readonly cipherFrom?: string;
  readonly mac?: string;
  readonly compression?: string;
}

/** A KEXINIT (RFC 4253 §7.1): by default of what all our ends take. */
export function kexInit({
  kex = 'ecdh-sha2-nistp256',
  hostKey = 'ssh-ed25519',
  cipher = 'aes128-ctr',
  cipherFrom = cipher,
  mac = 'hmac-sha2-256',
  compression = 'none',
}: Offer = {}): Buffer {
  const lists = [kex, hostKey, cipher, cipherFrom, mac, mac, compression, compression, '', ''];
  return Buffer.concat([
    Buffer.from([20]),
    Buffer.alloc(16, 'cookie'),
    writeStrings(...lists.map((list) => Buffer.from(list))),
    Buffer.alloc(5),
  ]);
}

/** A packet as it is before there are keys (RFC 4253 §6). */
export function plainPacket(payload: Buffer): Buffer {
  const padding = 4 + ((8 - ((payload.length + 9) % 8)) % 8);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head.writeUInt8(padding, 4);
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

import { hash } from 'node:crypto';

// SHA-crypt, as glibc's crypt(3) has it: https://www.akkadia.org/drepper/SHA-crypt.txt, whose steps are numbered here.

export type ShaCrypt = 'sha256' | 'sha512';

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` characters of the alphabet, six bits each, the lowest bits first. */
function encodeBits(bits: number, length: number): string {
  return Array.from({ length }, (_, index) => alphabet[(bits >>> (6 * index)) & 63]).join('');
}

/** Step 22: bytes from each third of the digest go together, each time another third first. */
function encodeDigest(digest: Buffer, algorithm: ShaCrypt): string {
  const third = Math.floor(digest.length / 3);
  const turn = algorithm === 'sha256' ? 2 : 1;
  const byte = (group: number, place: number): number =>
    digest[group + third * ((place + group * turn) % 3)] ?? 0;
  const groups = Array.from({ length: third }, (_, group) =>
    encodeBits((byte(group, 0) << 16) | (byte(group, 1) << 8) | byte(group, 2), 4),
  );
  const rest = digest.subarray(3 * third);
  return `${groups.join('')}${encodeBits(rest.readUIntLE(0, rest.length), Math.ceil((rest.length * 8) / 6))}`;
}

/** Random characters of a salt, the most that there may be. */
export function saltOf(random: Buffer): string {
  return Array.from(random.subarray(0, 16), (byte) => encodeBits(byte, 1)).join('');
}

/** The encoded digest of a password. It takes time: some microseconds a round, more with long passwords. */
export function shaCrypt(algorithm: ShaCrypt, password: Buffer, saltText: string, rounds: number): string {
  const salt = Buffer.from(saltText, 'latin1');
  const digestOf = (...parts: Buffer[]): Buffer => hash(algorithm, Buffer.concat(parts), 'buffer');
  const stretch = (digest: Buffer, length: number): Buffer => Buffer.alloc(length, digest);
  const times = (part: Buffer, count: number): Buffer => Buffer.alloc(part.length * count, part);

  const inner = digestOf(password, salt, password); // steps 4 to 8
  const start = [password, salt, stretch(inner, password.length)]; // steps 1 to 10
  for (let bits = password.length; bits > 0; bits >>= 1) start.push(bits & 1 ? inner : password); // step 11
  let digest = digestOf(...start);
  const p = stretch(digestOf(times(password, password.length)), password.length); // steps 13 to 16
  const s = stretch(digestOf(times(salt, 16 + (digest[0] ?? 0))), salt.length); // steps 17 to 20

  // Step 21. What a round digests is put together in one place, because this runs up to a million times.
  const room = Buffer.alloc(digest.length + salt.length + 2 * password.length);
  for (let round = 0; round < rounds; round += 1) {
    let end = 0;
    const add = (part: Buffer): void => {
      room.set(part, end);
      end += part.length;
    };
    add(round % 2 === 1 ? p : digest);
    if (round % 3 !== 0) add(s);
    if (round % 7 !== 0) add(p);
    add(round % 2 === 1 ? digest : p);
    digest = hash(algorithm, room.subarray(0, end), 'buffer');
  }
  return encodeDigest(digest, algorithm);
}

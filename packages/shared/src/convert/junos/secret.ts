/**
 * Junos's reversible form of secrets: not encryption, there is no key. Each byte is written as the distances between
 * successive characters of an alphabet, in a system of weights that changes with the byte's position.
 */

const prefix = '$9$';

/** The alphabet, in the four groups that tell how many characters of noise follow the first one: 3, 2, 1, 0. */
const groups = ['QzF3n6/9CAtpu0O', 'B1IREhcSyrleKvMW8LXx', '7N-dVbwsY2g4oaJZGUDj', 'iHkq.mPf5T'];
const alphabet = groups.join('');

const weights: readonly (readonly number[])[] = [
  [1, 4, 32],
  [1, 16, 32],
  [1, 8, 32],
  [1, 64],
  [1, 32],
  [1, 4, 16, 128],
  [1, 32, 64],
];

function weightsAt(position: number): readonly number[] {
  return weights[position % weights.length] ?? [];
}

/** How often each weight is in a byte. */
function digitsOf(byte: number, system: readonly number[]): number[] {
  let rest = byte;
  return system.map((weight, index) => {
    const next = system[index + 1];
    const digit = (next === undefined ? rest : rest % next) / weight;
    rest -= digit * weight;
    return digit;
  });
}

function noiseAfter(character: string): number {
  return groups.length - 1 - groups.findIndex((group) => group.includes(character));
}

/** Whether a value stands in the reversible form. */
export function isReversibleSecret(text: string): boolean {
  return text.startsWith(prefix);
}

/** @returns `undefined` for what no encoder writes, and for what is not UTF-8 */
export function decodeSecret(text: string): string | undefined {
  const characters = isReversibleSecret(text) ? text.slice(prefix.length) : '';
  const salt = characters.charAt(0);
  if (salt === '') return undefined;
  let at = alphabet.indexOf(salt);
  if (at < 0) return undefined;
  let next = 1 + noiseAfter(salt);
  if (next > characters.length) return undefined;
  const bytes: number[] = [];
  while (next < characters.length) {
    const system = weightsAt(bytes.length);
    const digits: number[] = [];
    for (const _ of system) {
      const to = next < characters.length ? alphabet.indexOf(characters.charAt(next++)) : -1;
      if (to < 0 || to === at) return undefined;
      digits.push(((to - at + alphabet.length) % alphabet.length) - 1);
      at = to;
    }
    const byte = system.reduce((sum, weight, index) => sum + weight * (digits[index] ?? 0), 0);
    if (byte > 255 || digitsOf(byte, system).some((digit, index) => digit !== digits[index]))
      return undefined;
    bytes.push(byte);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/**
 * @param text without lone surrogates
 * @param random dice, from 0 up to but without 1
 */
export function encodeSecret(text: string, random: () => number): string {
  const any = () => alphabet.charAt(Math.floor(random() * alphabet.length));
  const salt = any();
  let encoded = prefix + salt;
  for (let noise = noiseAfter(salt); noise > 0; noise--) encoded += any();
  let at = alphabet.indexOf(salt);
  for (const [position, byte] of Buffer.from(text).entries()) {
    for (const digit of digitsOf(byte, weightsAt(position))) {
      at = (at + digit + 1) % alphabet.length;
      encoded += alphabet.charAt(at);
    }
  }
  return encoded;
}

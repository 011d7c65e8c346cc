import { members } from '../config/configuration.js';
import type { Document } from '../config/document.js';
import { configInvalid, type Finding, findingLines } from '../config/finding.js';
import { cryptHash } from '../config/modules/iana-crypt-hash.js';
import { type Fields, isFields, nodeOf, type Shape } from '../config/yang/node.js';
import type { Steps } from '../config/yang/path.js';
import { typeFacts } from '../config/yang/types.js';
import { hashPassword, parseCryptHash } from '../crypt-hash/crypt-hash.js';

type Change = (value: string, steps: Steps) => string;

/** The data with each crypt-hash changed. */
function changeHashes(shape: Shape, data: Fields, steps: Steps, change: Change): Fields {
  const entryOf = (inner: Shape, entry: unknown, here: Steps): unknown =>
    isFields(entry) ? changeHashes(inner, entry, here, change) : entry;
  const changed = Object.entries(data).map(([name, value]) => {
    const node = shape[name] && nodeOf(shape[name]);
    const here = [...steps, name];
    if (node?.kind === 'leaf' && node.type === typeFacts(cryptHash) && typeof value === 'string')
      return [name, change(value, here)];
    if (node?.kind === 'container') return [name, entryOf(node.shape, value, here)];
    if (node?.kind === 'list' && Array.isArray(value))
      return [name, value.map((entry, index) => entryOf(node.shape, entry, [...here, index]))];
    return [name, value];
  });
  return Object.fromEntries(changed);
}

/**
 * A document's data without passwords in clear text: their hashes take their place (RFC 7317, crypt-hash).
 * @param file what the notes and errors call it
 * @throws CALLHOME_CONFIG_INVALID where one is empty or too long
 */
export function withHashedPasswords(
  { data }: Document,
  file: string,
): { readonly data: Fields; readonly notes: readonly string[] } {
  const hashed: Finding[] = [];
  const errors: Finding[] = [];
  const result = changeHashes(members, data, [], (value, steps) => {
    if (!value.startsWith('$0$')) return value;
    const parsed = parseCryptHash(value);
    if (parsed.kind === 'refused') errors.push({ steps, text: parsed.why });
    if (parsed.kind !== 'cleartext') return value;
    hashed.push({ steps, text: 'was in clear text, and is hashed now' });
    return hashPassword(parsed.password);
  });
  if (errors.length > 0) throw configInvalid(file, data, errors);
  return { data: result, notes: findingLines(file, data, hashed) };
}

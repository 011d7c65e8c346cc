import { reasonOf } from '../errors.js';
import type { KeyPair } from '../ssh/key-pair.js';
import type { PublicKey } from '../ssh/public-key.js';
import { members } from './configuration.js';
import type { Document } from './document.js';
import { configInvalid, type Finding, findingLines } from './finding.js';
import {
  type AsymmetricKey,
  type KeyChoice,
  type KeysChoice,
  misstatedFormat,
  type PublicKeyEntry,
  readKeyPair,
  readPublicKey,
} from './keys.js';
import { hostFinding } from './modules/ietf-inet-types.js';
import { exists, type Fields, type Shape } from './yang/node.js';
import type { Steps } from './yang/path.js';
import { visit } from './yang/visit.js';

/** What is found in a valid document for the program that is to run on it, collected so that all of it is told. */
export interface Findings {
  error(steps: Steps, text: string): void;
  /** What the program does otherwise than the document says, and runs all the same. */
  warn(steps: Steps, text: string): void;
  readonly warnings: readonly string[];
  /** The key pair that is meant, in the document at `steps` or in its keystore; undefined where it is told to be unusable. */
  keyPair(choice: KeyChoice, steps: Steps): KeyPair | undefined;
  /** Those of the public keys that are usable. */
  publicKeys(choice: KeysChoice, steps: Steps): PublicKey[];
  /** @throws CALLHOME_CONFIG_INVALID when there is any error */
  throwErrors(): void;
}

/** The top-level members of one program. */
export type Own = readonly (keyof typeof members)[];

/** What a program has of the model. @param own the top-level members that it has besides the keystore and the truststore */
function shapeFor(own: Own): Shape {
  const concerned: readonly string[] = ['ietf-keystore:keystore', 'ietf-truststore:truststore', ...own];
  return Object.fromEntries(Object.entries(members).filter(([name]) => concerned.includes(name)));
}

/** The settings that the programs refuse, though the model has them. The data may be anything. */
export function unsupportedSettings(data: Fields, own: Own): Finding[] {
  const errors: Finding[] = [];
  visit(shapeFor(own), data, ({ node, schema, value, steps }) => {
    if (node.kind === 'absent') return true;
    const { refused } = node.facts;
    // whether it is there takes a look at all that is in it, so it is asked last
    const given = typeof refused === 'function' ? refused(value) : refused;
    const why = given !== undefined && exists(schema, value) ? given : undefined;
    if (why !== undefined) errors.push({ steps: steps(), text: why });
    return why === undefined;
  });
  return errors;
}

/** Addresses that cannot be, though YANG takes them for names. */
function badAddresses(data: Fields, own: Own): Finding[] {
  const errors: Finding[] = [];
  visit(shapeFor(own), data, ({ node, value, steps }) => {
    const isHost = node.kind === 'leaf' && node.type.name === 'inet:host' && value !== undefined;
    const text = isHost ? hostFinding(String(value)) : undefined;
    if (text !== undefined) errors.push({ steps: steps(), text });
    return true;
  });
  return errors;
}

/**
 * Examines what concerns either program: nothing is for the other one, nothing is unsupported, every key is readable.
 * @param file what the findings call the document
 * @param own the top-level members that this program has besides the keystore and the truststore
 */
export function examine(document: Document, file: string, own: Own): Findings {
  const { data, config } = document;
  const errors: Finding[] = [];
  const error = (steps: Steps, text: string): void => void errors.push({ steps, text });
  const warnings: Finding[] = [];
  const warn = (steps: Steps, text: string): void => void warnings.push({ steps, text });
  const attempt = <T>(steps: Steps, read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      error(steps, reasonOf(thrown));
      return undefined;
    }
  };

  const concerned = shapeFor(own);
  for (const [name, schema] of Object.entries(members)) {
    if (!Object.hasOwn(concerned, name) && exists(schema, data[name]))
      error([name], 'is for the other program');
  }
  errors.push(...unsupportedSettings(data, own), ...badAddresses(data, own));

  const pairs = new Map<AsymmetricKey, KeyPair | undefined>();
  const pairOf = (entry: AsymmetricKey, steps: Steps): KeyPair | undefined => {
    if (pairs.has(entry)) return pairs.get(entry);
    const pair = attempt(steps, () => readKeyPair(entry, 'the key'));
    pairs.set(entry, pair);
    const misstated = pair && misstatedFormat(entry);
    if (misstated !== undefined) warn(steps, misstated);
    return pair;
  };
  const keys = config['ietf-keystore:keystore']['asymmetric-keys']['asymmetric-key'];
  for (const [index, key] of keys.entries())
    pairOf(key, ['ietf-keystore:keystore', 'asymmetric-keys', 'asymmetric-key', index]);
  const keysByName = new Map(keys.map((key) => [key.name, key]));

  const bags = config['ietf-truststore:truststore']['public-key-bags']['public-key-bag'];
  /** Those that are sound; where SSH refers to them, the schema has them in its format. */
  const usable = (entries: readonly PublicKeyEntry[], steps: Steps): PublicKey[] =>
    entries.flatMap((key, index) => attempt([...steps, 'public-key', index], () => readPublicKey(key)) ?? []);
  const keysOfBags = new Map(
    bags.map((bag, index) => {
      const steps = ['ietf-truststore:truststore', 'public-key-bags', 'public-key-bag', index];
      return [bag.name, usable(bag['public-key'], steps)];
    }),
  );

  return {
    error,
    warn,
    get warnings() {
      return findingLines(file, data, warnings);
    },
    keyPair(choice, steps) {
      const inline = choice['inline-definition'];
      if (inline) return pairOf(inline, [...steps, 'inline-definition']);
      const entry = keysByName.get(choice['central-keystore-reference'] ?? '');
      return entry && pairs.get(entry);
    },
    publicKeys(choice, steps) {
      const inline = choice['inline-definition'];
      if (inline) return usable(inline['public-key'], [...steps, 'inline-definition']);
      return keysOfBags.get(choice['central-truststore-reference'] ?? '') ?? [];
    },
    throwErrors() {
      if (errors.length > 0) throw configInvalid(file, data, errors);
    },
  };
}

/** After how much silence the kernel is to probe; undefined: never. Both ends of TCP have the same settings. */
export function readTcpKeepaliveSeconds(
  { keepalives }: { readonly keepalives?: { readonly 'idle-time': number } | undefined },
  steps: Steps,
  findings: Findings,
): number | undefined {
  if (!keepalives) return undefined;
  findings.warn(
    [...steps, 'keepalives'],
    'idle-time alone is heeded: Node.js sends 10 probes, one a second, whatever max-probes and probe-interval say',
  );
  return keepalives['idle-time'];
}

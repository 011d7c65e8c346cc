import { z } from 'zod';

/** How a value stands in the encodings: `text` is a string in JSON and the same characters in XML. */
type Encoding = 'integer' | 'empty' | 'identityref' | 'text';

/** What is known of a type beyond what zod checks. */
export interface TypeFacts {
  /** As YANG names it. */
  readonly name: string;
  readonly encoding: Encoding;
  /** Which values there are, in words; empty where the name says it. */
  readonly values: string;
  /** All values of an enumeration or an identityref. */
  readonly names?: readonly string[];
  /** The bounds of an integer. */
  readonly range?: readonly [min: number, max: number];
}

const known = new WeakMap<z.ZodType, TypeFacts>();

/** Names a zod schema of JSON values as a YANG type. */
export function type<T extends z.ZodType>(facts: TypeFacts, schema: T): T {
  known.set(schema, facts);
  return schema;
}

/** The facts of a type that `type` has named. */
export function typeFacts(schema: z.ZodType): TypeFacts {
  const facts = known.get(schema);
  if (!facts) throw new Error('not a YANG type');
  return facts;
}

function integer(name: string, min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return type(
    { name, encoding: 'integer', values: `${min}..${max}`, range: [min, max] },
    z.int({ error }).min(min, { error }).max(max, { error }),
  );
}

export const uint8 = (min = 0, max = 0xff) => integer('uint8', min, max);
export const uint16 = (min = 0, max = 0xffff) => integer('uint16', min, max);
export const uint32 = (min = 0, max = 0xffffffff) => integer('uint32', min, max);

/** YANG `string` without further bounds. */
export const string = type(
  { name: 'string', encoding: 'text', values: '' },
  z.string({ error: 'must be a string' }),
);

/** A string by a rule of its own. */
export function stringOf(name: string, values: string, holds: (text: string) => boolean) {
  const error = `must be ${values}`;
  return type({ name, encoding: 'text', values }, z.string({ error }).refine(holds, { error }));
}

/** Lists of names longer than this are spared the reader of an error. */
const maxNamed = 12;

function oneOf(names: readonly string[], whole: string): string {
  return names.length > maxNamed ? whole : names.join(', ');
}

/** @param whole what the names are, where there are too many to be told */
export function enumeration<const N extends readonly string[]>(names: N, whole = '') {
  const values = oneOf(names, whole);
  return type(
    { name: 'enumeration', encoding: 'text', values, names },
    z.enum(names, { error: `must be one of: ${values}` }),
  );
}

/** An identity of one module, written `MODULE:NAME`. */
export function identityref<const M extends string, const N extends readonly string[]>(module: M, names: N) {
  const qualified = names.map((name): `${M}:${N[number]}` => `${module}:${name}`);
  const values = names.join(', ');
  return type(
    { name: 'identityref', encoding: 'identityref', values, names: qualified },
    z.enum(qualified, { error: `must be one of: ${qualified.join(', ')}` }),
  );
}

/** Line breaks, where there are any, stand after every 64 characters, as libyang has it. */
const lineLength = 64;

/** Without a pattern for all of the text: such a one runs out of stack where the text is long. */
function isBase64(text: string): boolean {
  const lines = text.includes('\n') ? text.split('\n') : [];
  const last = lines.pop();
  if (lines.some((line) => line.length !== lineLength) || (last ?? '').length > lineLength) return false;
  const characters = text.replaceAll('\n', '');
  const padding = /={0,2}$/.exec(characters.slice(-2))?.[0].length ?? 0;
  return (
    characters.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(characters.slice(0, characters.length - padding))
  );
}

/** What else it is than base64, where that is one of the common mistakes. */
function notBase64({ input }: { readonly input?: unknown }): string {
  const text = typeof input === 'string' ? input : '';
  if (text.includes('-----BEGIN'))
    return 'must be base64, and is PEM: give what stands between its first and its last line, as one line';
  return /\s/.test(text) && isBase64(text.replace(/\s+/g, ''))
    ? 'must be base64 on one line, without white space'
    : 'must be base64';
}

/** YANG `binary`: base64 (RFC 4648 §4). */
export const binary = type(
  { name: 'binary', encoding: 'text', values: 'base64' },
  z
    .string({ error: 'must be base64' })
    .refine(isBase64, { error: notBase64 })
    .transform((text) => text.replaceAll('\n', '')),
);

/** YANG `empty`: a leaf that is there or not (RFC 7951 §6.9). */
export const empty = type(
  { name: 'empty', encoding: 'empty', values: '' },
  z.tuple([z.null()], { error: 'must be [null]' }),
);

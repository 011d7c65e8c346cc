import { z } from 'zod';
import { type TypeFacts, typeFacts } from './types.js';

/** The members of a container or of a list's entries, by their names in RFC 7951 JSON. A YANG grouping is one too. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** A node's data that may not be what they should: checks run over all of a document, whatever else is wrong with it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A rule that spans several members: YANG's `must` and `when`. */
export interface Rule {
  readonly holds: (node: Fields) => boolean;
  readonly error: string;
}

/** The entry of a list by its key, which is `name`. */
export type Find = (list: unknown, key: unknown) => Fields | undefined;

/** YANG's leafref: the value is the key of an entry of a list elsewhere. */
export interface Leafref {
  /** What is referred to, in words. */
  readonly what: string;
  /** The list, or undefined where there is none. */
  readonly list: (document: Fields, parent: Fields, find: Find) => unknown;
  /** For the entry that is referred to. */
  readonly must?: Rule;
}

/** What a reader wants to know of a setting. */
export interface Facts {
  readonly description: string;
  readonly units?: string;
  /** Its value is never shown. */
  readonly secret?: true;
  readonly leafref?: Leafref;
  /** Why the programs refuse it when they start, though the model has it; or which of its values, and why. */
  readonly refused?: string | ((value: unknown) => string | undefined);
}

interface Choice {
  readonly mandatory: boolean;
  /** Each is a case of its own. */
  readonly cases: readonly string[];
}

interface LeafFacts {
  readonly facts: Facts;
  readonly type: TypeFacts;
}

export interface LeafNode extends LeafFacts {
  readonly kind: 'leaf';
  readonly mandatory: boolean;
  readonly default?: unknown;
}

export interface LeafListNode extends LeafFacts {
  readonly kind: 'leaf-list';
}

interface ParentFacts {
  readonly facts: Facts;
  readonly shape: Shape;
}

export interface ContainerNode extends ParentFacts {
  readonly kind: 'container';
  /** Whether its being there means something by itself. */
  readonly presence: boolean;
}

export interface ListNode extends ParentFacts {
  readonly kind: 'list';
  readonly key: string;
  readonly min: number;
}

/** What the model has under a feature that is not supported. */
export interface AbsentNode {
  readonly kind: 'absent';
  /** MODULE:FEATURE */
  readonly feature: string;
}

/** What YANG says of a node of the data tree. */
export type Node = (LeafNode | LeafListNode | ContainerNode | ListNode | AbsentNode) & {
  readonly choice?: Choice;
};

const nodes = new WeakMap<z.ZodType, Node>();

function register<T extends z.ZodType>(schema: T, node: Node): T {
  nodes.set(schema, node);
  return schema;
}

/** The node that a member of a shape stands for. */
export function nodeOf(schema: z.ZodType): Node {
  const node = nodes.get(schema);
  if (!node) throw new Error('not a YANG node');
  return node;
}

/** One member of a shape, with the node that it stands for. */
interface Member {
  readonly name: string;
  readonly schema: z.ZodType;
  readonly node: Node;
}

const memberLists = new WeakMap<Shape, readonly Member[]>();

/** The members of a shape, in its order. */
export function membersOf(shape: Shape): readonly Member[] {
  let list = memberLists.get(shape);
  if (!list) {
    list = Object.entries(shape).map(([name, schema]) => ({ name, schema, node: nodeOf(schema) }));
    memberLists.set(shape, list);
  }
  return list;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a node is there for YANG: a container without presence is there only by what is in it. */
export function exists(schema: z.ZodType, value: unknown): boolean {
  if (value === undefined) return false;
  const node = nodeOf(schema);
  if (Array.isArray(value) && node.kind !== 'leaf') return value.length > 0;
  if (node.kind !== 'container' || node.presence || !isFields(value)) return true;
  return membersOf(node.shape).some(({ name, schema: member }) => exists(member, value[name]));
}

function choiceFinding({ cases, mandatory }: Choice, shape: Shape, node: Fields): string | undefined {
  const must = `must have ${cases.length > 1 ? 'one of ' : ''}${cases.map((name) => `"${name}"`).join(', ')}`;
  const given = cases.filter((name) => node[name] !== undefined);
  if (given.length > 1) return `${must}, not ${given.length}`;
  const none = !cases.some((name) => shape[name] && exists(shape[name], node[name]));
  return mandatory && none ? must : undefined;
}

/** An object with these members and no others, whose choices and rules are checked whatever is wrong with its members. */
function object<S extends Shape>(shape: S, rules: readonly Rule[]) {
  const choices = new Set(Object.values(shape).flatMap((member) => nodeOf(member).choice ?? []));
  const schema = z.strictObject(shape, { error: 'must be an object' });
  if (choices.size + rules.length === 0) return schema;
  const check = z.check<z.output<typeof schema>>(({ value, issues }) => {
    if (!isFields(value)) return;
    const add = (message: string): void => void issues.push({ code: 'custom', input: value, message });
    for (const choice of choices) {
      const text = choiceFinding(choice, shape, value);
      if (text !== undefined) add(text);
    }
    for (const { holds, error } of rules) if (!holds(value)) add(error);
  });
  check._zod.def.when = () => true;
  return schema.check(check);
}

export function leaf<T extends z.ZodType>(
  of: T,
  facts: Facts & { readonly default: z.input<T> & z.core.util.Primitive },
): z.ZodPrefault<T>;
export function leaf<T extends z.ZodType>(of: T, facts: Facts & { readonly mandatory: true }): T;
export function leaf<T extends z.ZodType>(of: T, facts: Facts): z.ZodOptional<T>;
export function leaf(
  of: z.ZodType,
  facts: Facts & { readonly default?: unknown; readonly mandatory?: true },
): z.ZodType {
  const mandatory = facts.mandatory === true;
  const node: LeafNode = { kind: 'leaf', facts, type: typeFacts(of), mandatory, default: facts.default };
  if (mandatory) return register(of.clone(), node);
  return register(facts.default === undefined ? of.optional() : of.prefault(facts.default), node);
}

/** The values of a configuration's leaf-list are unique (RFC 7950 §7.7). */
export function leafList<T extends z.ZodType>(of: T, facts: Facts) {
  const values = z.array(of, { error: 'must be an array' });
  return register(values.check(wholeList((value) => value)).prefault([]), {
    kind: 'leaf-list',
    facts,
    type: typeFacts(of),
  });
}

/** A container without presence: where it is not written, its defaults hold and its mandatory members are missing. */
export function container<S extends Shape>(shape: S, facts: Facts, rules: readonly Rule[] = []) {
  return register(object(shape, rules).prefault(Object.create(null)), {
    kind: 'container',
    presence: false,
    facts,
    shape,
  });
}

/** A container whose being there means something by itself. */
export function presence<S extends Shape>(shape: S, facts: Facts, rules: readonly Rule[] = []) {
  return register(object(shape, rules).optional(), { kind: 'container', presence: true, facts, shape });
}

/** @param key the leaf that tells its entries apart; the first one of the shape */
export function list<K extends string, S extends Shape & Readonly<Record<K, z.ZodType>>>(
  key: K,
  shape: S,
  facts: Facts & { readonly min?: 1 },
  rules: readonly Rule[] = [],
) {
  const min = facts.min ?? 0;
  const entries = z
    .array(object(shape, rules), { error: 'must be an array' })
    .min(min, { error: 'must have an entry at least' });
  return register(
    entries.check(wholeList((entry) => (isFields(entry) ? entry[key] : undefined))).prefault([]),
    {
      kind: 'list',
      key,
      min,
      facts,
      shape,
    },
  );
}

/** Of one list. Nobody reads more, and zod hands them on as arguments of a call, of which there cannot be very many. */
const maxIssues = 1000;

/** What holds for a list as a whole: its keys are unique, and its findings not without end. */
function wholeList(keyOf: (entry: unknown) => unknown) {
  const check = z.check<unknown[]>(({ value, issues }) => {
    if (!Array.isArray(value)) return;
    if (issues.length > maxIssues) issues.length = maxIssues;
    const seen = new Set<unknown>();
    for (const [index, entry] of value.entries()) {
      const key = keyOf(entry);
      if (key !== undefined && seen.has(key) && issues.length < maxIssues) {
        issues.push({ code: 'custom', input: value, path: [index], message: 'is there twice' });
      }
      seen.add(key);
    }
  });
  check._zod.def.when = () => true;
  return check;
}

type Bare<T> = T extends z.ZodOptional<infer I> | z.ZodPrefault<infer I> ? I : T;
type Cases<S extends Shape> = { [K in keyof S]: z.ZodOptional<Bare<S[K]>> };

/** Members of which one at most may be there, or exactly one where it is mandatory: each is a case of a YANG choice. */
export function choice<S extends Shape>(cases: S, options: { readonly mandatory: boolean }): Cases<S> {
  const choice: Choice = { ...options, cases: Object.keys(cases) };
  const members = Object.entries(cases).map(([name, member]) => {
    const bare =
      member instanceof z.ZodOptional || member instanceof z.ZodPrefault ? member.unwrap() : member;
    const chosen = z.optional(bare as z.ZodType);
    return [name, register(chosen, { ...nodeOf(member), choice })];
  });
  return Object.fromEntries(members) as Cases<S>;
}

/** A member that the model has under a feature which is not supported: its data are refused by name. */
export function absent(feature: string) {
  return register(z.undefined({ error: `needs the feature ${feature}, which is not supported` }).optional(), {
    kind: 'absent',
    feature,
  });
}

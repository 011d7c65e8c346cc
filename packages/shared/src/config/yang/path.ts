import { peerText } from '../../errors.js';
import { isFields, type Node, nodeOf, type Shape } from './node.js';

/** Member names and positions from the top of a document, as zod has them. */
export type Steps = readonly PropertyKey[];

/** What lies deep in data that may not be what they should. */
export function member(data: unknown, ...names: readonly string[]): unknown {
  let at = data;
  for (const name of names) at = isFields(at) ? at[name] : undefined;
  return at;
}

/** A key in an instance path, on one line whatever the file has there: `[name='x']`. */
export function keyPredicate(value: string | number, key = 'name'): string {
  return `[${key}='${peerText(String(value))}']`;
}

/** A place in a document. */
export interface Place {
  /** Its instance path in YANG's form. */
  readonly path: string;
  /** What it is an instance of, where the schema has it. */
  readonly node: Node | undefined;
}

function predicate(list: Node | undefined, entry: unknown, index: number): string {
  if (list?.kind === 'leaf-list' && typeof entry === 'string') return keyPredicate(entry, '.');
  const key = list?.kind === 'list' ? list.key : '';
  const value = member(entry, key);
  return typeof value === 'string' || typeof value === 'number' ? keyPredicate(value, key) : `[${index + 1}]`;
}

/** @param shape of the top of the document */
export function placeOf(shape: Shape, document: unknown, steps: Steps): Place {
  let path = '';
  let data = document;
  let node: Node | undefined;
  let members: Shape = shape;
  for (const step of steps) {
    data = typeof data === 'object' && data !== null ? Reflect.get(data, step) : undefined;
    if (typeof step === 'number') {
      path += predicate(node, data, step);
      continue;
    }
    const name = String(step);
    const schema = Object.hasOwn(members, name) ? members[name] : undefined;
    node = schema && nodeOf(schema);
    members = node && 'shape' in node ? node.shape : {};
    path += `/${peerText(name)}`;
  }
  return { path: path || '/', node };
}

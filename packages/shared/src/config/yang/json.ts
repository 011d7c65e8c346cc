import { quote } from '../../errors.js';
import { hasMembersOf, memberName, splitName } from './modules.js';
import { type Fields, isFields, nodeOf, type Shape } from './node.js';
import type { Steps } from './path.js';

/**
 * Takes a finding: something wrong at a place of a document.
 * @param unknown the name of what the schema does not have there, without its module
 */
export type Report = (steps: Steps, text: string, unknown?: string) => void;

/** Where the members of a node belong. */
interface At {
  readonly shape: Shape;
  /** Undefined above the top. */
  readonly module: string | undefined;
  readonly steps: Steps;
}

function readFields(value: Fields, at: At, report: Report): Fields {
  const data: Record<string, unknown> = Object.create(null);
  for (const [written, content] of Object.entries(value)) {
    const { module, name } = splitName(written);
    const member = memberName(module, name, at.module);
    const schema = Object.hasOwn(at.shape, member) ? at.shape[member] : undefined;
    const steps = [...at.steps, schema ? member : written];
    if (!schema) report(steps, unknownMember(written, at), name);
    else if (Object.hasOwn(data, member)) report(steps, 'is there twice, with and without its module');
    else {
      const node = nodeOf(schema);
      const inner = 'shape' in node && { shape: node.shape, module: module ?? at.module, steps };
      data[member] = inner ? readContent(content, inner, report) : content;
    }
  }
  return data;
}

function unknownMember(written: string, { shape, module: parent }: At): string {
  if (written.startsWith('@')) return 'is metadata, which has no place in a configuration';
  const { module = parent } = splitName(written);
  if (module === undefined) return 'must be written with its module, MODULE:NAME';
  return module === parent || hasMembersOf(shape, module)
    ? 'is not known here'
    : `is of the module ${quote(module)}, of which nothing is known here`;
}

function readContent(value: unknown, at: At, report: Report): unknown {
  if (isFields(value)) return readFields(value, at, report);
  if (!Array.isArray(value)) return value;
  return value.map((entry, index) =>
    isFields(entry) ? readFields(entry, { ...at, steps: [...at.steps, index] }, report) : entry,
  );
}

/**
 * Data in RFC 7951 JSON with the names that the schema has: a module only where it changes. What the schema does not
 * have is told and left out; all other values stay as they are.
 */
export function readJson(shape: Shape, value: Fields, report: Report): Fields {
  return readFields(value, { shape, module: undefined, steps: [] }, report);
}

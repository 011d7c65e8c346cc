import type { z } from 'zod';
import { CallhomeError, peerText } from '../errors.js';
import { readTextFile } from '../files.js';
import { parseYangJson } from './json.js';
import { keyPredicate } from './yang-list.js';

const maxBytes = 64 * 1024 * 1024;

/** The key leaves of the model's lists. */
const keyLeaves = ['name', 'local-address'];

function member(node: unknown, name: PropertyKey): unknown {
  return typeof node === 'object' && node !== null ? Reflect.get(node, name) : undefined;
}

function predicate(entry: unknown, index: number): string {
  for (const leaf of keyLeaves) {
    const key = member(entry, leaf);
    if (typeof key === 'string') return keyPredicate(key, leaf);
  }
  return `[${index + 1}]`;
}

/** An instance path in YANG form: list entries by their key, or by position from 1. */
function instancePath(document: unknown, path: readonly PropertyKey[]): string {
  let text = '';
  let node = document;
  for (const step of path) {
    const child = member(node, step);
    text += typeof step === 'number' ? predicate(child, step) : `/${peerText(String(step))}`;
    node = child;
  }
  return text || '/';
}

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined
      ? 'is missing'
      : `must be ${/^[aeio]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
  }
  return issue.message;
}

/** One line for each thing that is wrong. Unknown members are told at the member, not at its parent. */
function problemsOf(file: string, document: unknown, issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${file}: ${instancePath(document, [...issue.path, key])}: is not known here`)
      : [`${file}: ${instancePath(document, issue.path)}: ${ruleOf(issue)}`],
  );
}

/**
 * Reads a configuration file.
 * @throws CALLHOME_FILE_UNREADABLE, CALLHOME_CONFIG_INVALID with every problem: file, path, reason
 */
export async function readDocument<T extends z.ZodType>(
  file: string,
  schema: T,
): Promise<{ document: unknown; config: z.output<T> }> {
  const document = parseYangJson(await readTextFile(file, maxBytes), file);
  const result = schema.safeParse(document, { reportInput: true });
  if (result.success) return { document, config: result.data };
  throw new CallhomeError('CALLHOME_CONFIG_INVALID', {
    problems: problemsOf(file, document, result.error.issues),
  });
}

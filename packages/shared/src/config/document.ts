import type { z } from 'zod';
import { CallhomeError, isCallhomeError, peerText } from '../errors.js';
import { readTextFile } from '../files.js';
import { type Configuration, configuration, members } from './configuration.js';
import { parseYangJson } from './json.js';
import { readJson } from './yang/json.js';
import { type Fields, isFields, type Leafref } from './yang/node.js';
import { placeOf, type Steps } from './yang/path.js';
import { visit } from './yang/visit.js';
import { readXml } from './yang/xml.js';

const maxBytes = 64 * 1024 * 1024;

/** A configuration document that is valid: all that libyang would check holds. */
export interface Document {
  /** As it is written, in RFC 7951 JSON, with its secrets. */
  readonly data: Fields;
  /** With the model's defaults. */
  readonly config: Configuration;
}

/** Something wrong with a document at a place, or with all of it. */
export interface Problem {
  readonly steps: Steps;
  readonly rule: string;
  /** What is there instead, where that helps. */
  readonly value?: unknown;
}

const maxShown = 60;

function valueText({ value }: Problem): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  const text = peerText(JSON.stringify(value));
  return `, not ${text.length > maxShown ? `${text.slice(0, maxShown)}…` : text}`;
}

/** One line: the instance path, the rule and, unless it is a secret, the value. */
export function problemLine(file: string, data: unknown, problem: Problem): string {
  const { path, node } = placeOf(members, data, problem.steps);
  const open = node !== undefined && node.kind !== 'absent' && !node.facts.secret;
  return `${file}: ${path}: ${problem.rule}${open ? valueText(problem) : ''}`;
}

function schemaProblems(issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.map((issue) => ({
    steps: issue.path,
    rule: issue.input === undefined ? 'is missing' : issue.message,
    ...(issue.code !== 'custom' || typeof issue.input === 'string' ? { value: issue.input } : {}),
  }));
}

/** The entries of lists by their keys, made once for each list. */
function createIndex(): (list: unknown, key: unknown) => Fields | undefined {
  const indexes = new WeakMap<object, Map<unknown, Fields>>();
  return (list, key) => {
    if (!Array.isArray(list)) return undefined;
    let index = indexes.get(list);
    if (!index) {
      index = new Map(list.filter(isFields).map((entry) => [entry['name'], entry]));
      indexes.set(list, index);
    }
    return index.get(key);
  };
}

function leafrefProblems(data: Fields): Problem[] {
  const problems: Problem[] = [];
  const find = createIndex();
  const check = ({ what, list, must }: Leafref, value: unknown, parent: Fields, steps: Steps): void => {
    const entry = find(list(data, parent), value);
    if (!entry) problems.push({ steps, rule: `must name ${what}`, value });
    else if (must && !must.holds(entry)) problems.push({ steps, rule: must.error });
  };
  visit(members, data, ({ node, value, parent, steps }) => {
    if (node.kind === 'leaf' && node.facts.leafref && typeof value === 'string')
      check(node.facts.leafref, value, parent, steps);
    return true;
  });
  return problems;
}

function readData(text: string, file: string, problems: Problem[]): Fields {
  const complain = (steps: Steps, rule: string): void => void problems.push({ steps, rule });
  if (/^\s*</.test(text)) {
    try {
      return readXml(members, text, complain);
    } catch (error) {
      if (!isCallhomeError(error, 'CALLHOME_XML')) throw error;
      // columns of the first line are not the file's
      const why = error.facts.why.replace(/^(\d+):\d+: /, 'line $1: ');
      throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: not XML: ${why}`] });
    }
  }
  const value = parseYangJson(text, file);
  if (isFields(value)) return readJson(members, value, complain);
  throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: /: must be an object`] });
}

/**
 * Reads a configuration document in RFC 7951 JSON or in XML, told apart by their first character.
 * @param file what the problems call it
 * @throws CALLHOME_CONFIG_INVALID with every problem: file, instance path, rule
 */
export function readDocument(text: string, file: string): Document {
  const problems: Problem[] = [];
  const data = readData(text, file, problems);
  const result = configuration.safeParse(data, { reportInput: true });
  if (!result.success) problems.push(...schemaProblems(result.error.issues));
  problems.push(...leafrefProblems(data));
  if (problems.length === 0 && result.success) return { data, config: result.data };
  throw new CallhomeError('CALLHOME_CONFIG_INVALID', {
    problems: problems.map((problem) => problemLine(file, data, problem)),
  });
}

/** Reads a configuration file. @throws CALLHOME_FILE_UNREADABLE, and as `readDocument` */
export async function loadDocument(file: string): Promise<Document> {
  return readDocument(await readTextFile(file, maxBytes), file);
}

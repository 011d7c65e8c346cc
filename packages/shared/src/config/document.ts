import type { z } from 'zod';
import { CallhomeError, isCallhomeError } from '../errors.js';
import { readTextFile } from '../files.js';
import { type Configuration, configuration, members } from './configuration.js';
import { configInvalid, notXml, type Problem } from './problems.js';
import { readJson } from './yang/json.js';
import { parseJson } from './yang/json-text.js';
import { type Fields, type Find, isFields, type Leafref, type Rule } from './yang/node.js';
import type { Steps } from './yang/path.js';
import { visit } from './yang/visit.js';
import { readXml } from './yang/xml.js';

/** Of the text of a configuration, in any form: many times that of the longest that makes sense. */
export const maxConfigBytes = 16 * 1024 * 1024;

/** A configuration document that is valid: all that libyang would check holds. */
export interface Document {
  /** As it is written, in RFC 7951 JSON, with its secrets. */
  readonly data: Fields;
  /** With the model's defaults. */
  readonly config: Configuration;
}

function schemaProblems(issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.map((issue) => ({
    steps: issue.path,
    rule: issue.input === undefined ? 'is missing' : issue.message,
    ...(issue.code !== 'custom' || typeof issue.input === 'string' ? { value: issue.input } : {}),
  }));
}

/** The entries of lists by their keys, made once for each list. */
function createIndex(): Find {
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

/** Whether rules hold for entries, found out once for each: many may refer to the same one. */
function createVerdicts(): (rule: Rule, entry: Fields) => boolean {
  const verdicts = new Map<Rule, WeakMap<Fields, boolean>>();
  return (rule, entry) => {
    const known = verdicts.get(rule) ?? new WeakMap<Fields, boolean>();
    verdicts.set(rule, known);
    const verdict = known.get(entry) ?? rule.holds(entry);
    known.set(entry, verdict);
    return verdict;
  };
}

function leafrefProblems(data: Fields): Problem[] {
  const problems: Problem[] = [];
  const find = createIndex();
  const holds = createVerdicts();
  const check = ({ what, list, must }: Leafref, value: unknown, parent: Fields, steps: Steps): void => {
    const entry = find(list(data, parent, find), value);
    if (!entry) problems.push({ steps, rule: `must name ${what}`, value });
    else if (must && !holds(must, entry)) problems.push({ steps, rule: must.error });
  };
  visit(members, data, ({ node, value, parent, steps }) => {
    if (node.kind === 'leaf' && node.facts.leafref && typeof value === 'string')
      check(node.facts.leafref, value, parent, steps());
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
      throw isCallhomeError(error, 'CALLHOME_XML') ? notXml(file, error) : error;
    }
  }
  if (text.trim() === '')
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: is empty`] });
  const value = parseJson(text, file);
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
  const ofSchema = result.success ? [] : schemaProblems(result.error.issues);
  const all = [...problems, ...ofSchema, ...leafrefProblems(data)];
  if (all.length === 0 && result.success) return { data, config: result.data };
  throw configInvalid(file, data, all);
}

/** Reads a configuration file. @throws CALLHOME_FILE_UNREADABLE, and as `readDocument` */
export async function loadDocument(file: string): Promise<Document> {
  return readDocument(await readTextFile(file, maxConfigBytes), file);
}

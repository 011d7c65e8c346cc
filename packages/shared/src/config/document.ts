import type { Stats } from 'node:fs';
import type { z } from 'zod';
import { CallhomeError, isCallhomeError } from '../errors.js';
import { readFileText } from '../files.js';
import { type Configuration, configuration, members } from './configuration.js';
import { configInvalid, type Finding, notXml } from './finding.js';
import { insteadOf } from './other-models.js';
import { type Report, readJson } from './yang/json.js';
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

function schemaFindings(issues: readonly z.core.$ZodIssue[]): Finding[] {
  return issues.map((issue) => ({
    steps: issue.path,
    text: issue.input === undefined ? 'is missing' : issue.message,
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

function leafrefFindings(data: Fields): Finding[] {
  const errors: Finding[] = [];
  const find = createIndex();
  const holds = createVerdicts();
  const check = ({ what, list, must }: Leafref, value: unknown, parent: Fields, steps: Steps): void => {
    const among = list(data, parent, find);
    const entry = find(among, value);
    const none = Array.isArray(among) && among.length > 0 ? '' : ', of which this document has none';
    if (!entry) errors.push({ steps, text: `must name ${what}${none}`, value });
    else if (must && !holds(must, entry)) errors.push({ steps, text: must.error });
  };
  visit(members, data, ({ node, value, parent, steps }) => {
    if (node.kind === 'leaf' && node.facts.leafref && typeof value === 'string')
      check(node.facts.leafref, value, parent, steps());
    return true;
  });
  return errors;
}

function readData(text: string, file: string, errors: Finding[]): Fields {
  const report: Report = (steps, found, unknown) => {
    const instead = unknown === undefined ? undefined : insteadOf(unknown);
    errors.push({ steps, text: instead === undefined ? found : `${found}: ${instead}` });
  };
  if (/^\s*</.test(text)) {
    try {
      return readXml(members, text, report);
    } catch (error) {
      throw isCallhomeError(error, 'CALLHOME_XML') ? notXml(file, error) : error;
    }
  }
  if (text.trim() === '')
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: is empty`] });
  const value = parseJson(text, file);
  if (isFields(value)) return readJson(members, value, report);
  throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: /: must be an object`] });
}

/**
 * Reads a configuration document in RFC 7951 JSON or in XML, told apart by their first character.
 * @param file what the findings call it
 * @param first what is to be told of the data before all else, where they are not valid: they may be anything
 * @throws CALLHOME_CONFIG_INVALID with every error: file, instance path, what is wrong
 */
export function readDocument(
  text: string,
  file: string,
  first: (data: Fields) => readonly Finding[] = () => [],
): Document {
  const errors: Finding[] = [];
  const data = readData(text, file, errors);
  const result = configuration.safeParse(data, { reportInput: true });
  const ofSchema = result.success ? [] : schemaFindings(result.error.issues);
  const all = [...errors, ...ofSchema, ...leafrefFindings(data)];
  if (all.length === 0 && result.success) return { data, config: result.data };
  throw configInvalid(file, data, [...first(data), ...all]);
}

/** A document, and what is to be known of the file that it came from. */
export interface LoadedDocument extends Document {
  readonly warnings: readonly string[];
}

/** Reads a configuration file. @throws CALLHOME_FILE_UNREADABLE, and as `readDocument` */
export async function loadDocument(
  file: string,
  first?: (data: Fields) => readonly Finding[],
): Promise<LoadedDocument> {
  const { text, stats } = await readFileText(file, maxConfigBytes);
  const document = readDocument(text, file, first);
  const exposed = stats && holdsSecrets(document.data) ? exposure(stats) : undefined;
  return { ...document, warnings: exposed === undefined ? [] : [`${file}: ${exposed}`] };
}

/** Whether there is a key or a password in it. */
function holdsSecrets(data: Fields): boolean {
  let any = false;
  visit(members, data, ({ node, value }) => {
    any ||= node.kind === 'leaf' && node.facts.secret === true && value !== undefined;
    return !any;
  });
  return any;
}

/** Who besides the owner has a way to a file with secrets, where that may not be meant. */
function exposure({ mode, uid, gid }: Stats): string | undefined {
  const bits = `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`;
  if (mode & 0o007)
    return `holds keys or passwords, and everybody has access to it (${bits}): \`chmod 0600\`, or 0640 for its group too`;
  // who reads it as one of its group cannot do without
  const isOurs = process.getuid?.() === uid;
  const byGroup = !isOurs && [process.getgid?.(), ...(process.getgroups?.() ?? [])].includes(gid);
  return mode & (byGroup ? 0o030 : 0o070)
    ? `holds keys or passwords, and its group has access to it (${bits}): \`chmod 0600\`, unless that is meant`
    : undefined;
}

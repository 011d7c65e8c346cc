import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import type { z } from 'zod';
import { CallhomeError } from '../errors.js';
import { readTextFile } from '../files.js';

const maxBytes = 64 * 1024 * 1024;

/** An instance path in YANG form: list entries by their `name`, or by position from 1. */
function instancePath(document: unknown, path: readonly PropertyKey[]): string {
  let text = '';
  let node = document;
  for (const step of path) {
    const child: unknown = typeof node === 'object' && node !== null ? Reflect.get(node, step) : undefined;
    if (typeof step === 'number') {
      const name: unknown =
        typeof child === 'object' && child !== null ? Reflect.get(child, 'name') : undefined;
      text += typeof name === 'string' ? `[name='${name}']` : `[${step + 1}]`;
    } else {
      text += `/${String(step)}`;
    }
    node = child;
  }
  return text || '/';
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** The parser's own words would quote the file, and with it keys: only the kind of fault and its place are told. */
function parseJson(text: string, file: string): unknown {
  const faults: ParseError[] = [];
  const document: unknown = parse(text, faults, { disallowComments: true, allowTrailingComma: false });
  const [fault] = faults;
  if (fault) {
    const kind = printParseErrorCode(fault.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase();
    const problem = `${file}: ${lineAndColumn(text, fault.offset)}: not JSON: ${kind}`;
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [problem] });
  }
  return document;
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
  const document = parseJson(await readTextFile(file, maxBytes), file);
  const result = schema.safeParse(document, { reportInput: true });
  if (result.success) return { document, config: result.data };
  throw new CallhomeError('CALLHOME_CONFIG_INVALID', {
    problems: problemsOf(file, document, result.error.issues),
  });
}

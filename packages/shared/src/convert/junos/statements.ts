import { CallhomeError } from '../../errors.js';
import type { Statement } from './statement.js';
import { withoutTerminal } from './terminal.js';
import { createScanner, type Form, type Scanner, type Token } from './tokens.js';
import { xmlStatements } from './xml.js';

const maxCharacters = 16 * 1024 * 1024;
const maxDepth = 32;
/** Of one path. Lists in brackets do not count: each of their values is a statement. */
const maxWords = 64;

/** Words that begin a line of commands; nothing at the top of the curly form is called so. */
const commands: ReadonlySet<string> = new Set([
  'set',
  'delete',
  'deactivate',
  'activate',
  'protect',
  'unprotect',
  'edit',
  'top',
  'up',
  'configure',
  'rename',
  'insert',
  'copy',
  'replace',
  'annotate',
  'wildcard',
]);

/** Tags before a statement. `undefined`: it reads the same with and without. */
const tags = new Map<string, string | undefined>([
  ['inactive:', 'deactivate'],
  ['delete:', 'delete'],
  ['active:', undefined],
  ['protect:', undefined],
  ['unprotect:', undefined],
  ['replace:', undefined],
]);

/** The words of a list, up to its end. */
function listWords(scanner: Scanner, open: Token): string[] {
  const values: string[] = [];
  for (;;) {
    const token = scanner.next();
    if (token.kind === ']') return values;
    if (token.kind === 'word' || token.kind === 'string') values.push(token.text);
    else if (token.kind !== 'line-end') scanner.fail(open.offset, 'a list without its "]"');
  }
}

interface Block {
  readonly open: Token;
  /** How much of the path is outside of the block. */
  readonly outside: number;
  empty: boolean;
}

/** One statement, or one for each value of its list. */
function* spread(
  verb: string,
  path: readonly string[],
  lines: readonly number[],
  list: readonly string[] | undefined,
  line: number,
): Generator<Statement> {
  if (!list) yield { verb, path: [...path], lines: [...lines], line };
  else for (const value of list) yield { verb, path: [...path, value], lines: [...lines, line], line };
}

function* curlyStatements(scanner: Scanner): Generator<Statement> {
  const path: string[] = [];
  const lines: number[] = [];
  const blocks: Block[] = [];
  /** Depth of the block whose statements are told as a whole, by the tag before it. */
  let toldAt: number | undefined;
  for (;;) {
    const outside = path.length;
    let verb = 'set';
    let list: string[] | undefined;
    let token = scanner.next();
    const first = token;
    for (; token.kind === 'word' || token.kind === 'string' || token.kind === '['; token = scanner.next()) {
      if (token.kind === '[' && path.length > outside && !list) {
        list = listWords(scanner, token);
      } else if (token.kind === 'word' && path.length === outside && tags.has(token.text)) {
        verb = tags.get(token.text) ?? verb;
      } else if (token.kind === '[' || list) {
        scanner.fail(token.offset, 'a list stands at the end of a statement, and once');
      } else {
        path.push(token.text);
        lines.push(token.line);
        if (path.length > maxWords) scanner.fail(token.offset, `a path of more than ${maxWords} words`);
      }
    }
    const block = blocks.at(-1);
    const named = path.length > outside;
    const { line } = first;
    if (token.kind === '{') {
      if (!named || list) scanner.fail(token.offset, 'a "{" without a statement before it');
      if (blocks.length === maxDepth) scanner.fail(token.offset, `more than ${maxDepth} levels deep`);
      if (block) block.empty = false;
      if (toldAt === undefined && verb !== 'set') {
        yield* spread(verb, path, lines, undefined, line);
        toldAt = blocks.length;
      }
      blocks.push({ open: first, outside, empty: true });
      continue;
    }
    if (token.kind === ';') {
      if (block) block.empty = false;
      if (named && toldAt === undefined) yield* spread(verb, path, lines, list, line);
      path.length = lines.length = outside;
      continue;
    }
    if (first.kind !== token.kind) scanner.fail(first.offset, 'a statement without its ";"');
    if (token.kind === 'end') {
      if (block) scanner.fail(block.open.offset, 'a block without its "}"');
      return;
    }
    if (!block) scanner.fail(token.offset, 'a "}" without a block');
    if (block.empty && toldAt === undefined) yield* spread('set', path, lines, undefined, block.open.line);
    path.length = lines.length = block.outside;
    blocks.pop();
    if (toldAt === blocks.length) toldAt = undefined;
  }
}

function* setStatements(scanner: Scanner): Generator<Statement> {
  for (;;) {
    const path: string[] = [];
    let list: string[] | undefined;
    let token = scanner.next();
    const { line } = token;
    for (; token.kind !== 'line-end' && token.kind !== 'end'; token = scanner.next()) {
      if (list) scanner.fail(token.offset, 'a list stands at the end of a statement, and once');
      if (token.kind === '[') list = listWords(scanner, token);
      else path.push(token.text);
      if (path.length > maxWords) scanner.fail(token.offset, `a line of more than ${maxWords} words`);
    }
    const [verb, ...rest] = path;
    if (verb !== undefined) {
      const lines = rest.map(() => line);
      yield* spread(verb, rest, lines, list, line);
    }
    if (token.kind === 'end') return;
  }
}

function formOf(text: string, file: string): Form {
  const scanner = createScanner(text, file, 'curly');
  const first = scanner.next();
  if (first.kind !== 'word' || !commands.has(first.text)) return 'curly';
  const { kind } = scanner.next();
  return kind === '{' || kind === ';' ? 'curly' : 'set';
}

/**
 * The statements of Junos configuration text, in order, whichever of the three forms it has.
 * @throws CALLHOME_CONFIG_INVALID with line and column, while it is read
 */
export function* readStatements(text: string, file: string): Generator<Statement> {
  if (text.length > maxCharacters) {
    const why = `longer than ${maxCharacters} characters`;
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: ${why}`] });
  }
  const shown = withoutTerminal(text);
  if (/^\s*</.test(shown)) return yield* xmlStatements(shown, file);
  const form = formOf(shown, file);
  const scanner = createScanner(shown, file, form);
  yield* form === 'curly' ? curlyStatements(scanner) : setStatements(scanner);
}

import { CallhomeError } from '../../errors.js';

/** A piece of Junos configuration text. A `word` stood bare, a `string` in quotes. */
export interface Token {
  readonly kind: 'word' | 'string' | '{' | '}' | ';' | '[' | ']' | 'line-end' | 'end';
  /** Of a string: what the quotes hold, with its escapes resolved. */
  readonly text: string;
  readonly offset: number;
  /** From 1. */
  readonly line: number;
}

/** How the text is cut: in `curly` a line end is white space, in `set` the signs of the curly form are characters of words. */
export type Form = 'curly' | 'set';

export interface Scanner {
  /** @throws CALLHOME_CONFIG_INVALID with line and column */
  next(): Token;
  /** Ends the reading. @throws CALLHOME_CONFIG_INVALID with line and column */
  fail(offset: number, why: string): never;
}

const words = { curly: /[^\s;{}"]+/y, set: /[^\s"]+/y };
const wordsInList = { curly: /[^\s;{}"\]]+/y, set: /[^\s"\]]+/y };
const blank = { curly: /\s+/y, set: /[^\S\n]+/y };
/** Up to a quote, an escape or the end. */
const stringPiece = /[^"\\]+/y;
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

function isSign(character: string): character is '{' | '}' | ';' {
  return character === '{' || character === '}' || character === ';';
}

/** Cuts Junos configuration text into tokens; comments are passed over. Every character is looked at once. */
export function createScanner(text: string, file: string, form: Form): Scanner {
  let at = 0;
  let inList = false;
  let line = 1;
  /** Where that line ends. */
  let lineEnd = endOfLine(0);

  function endOfLine(offset: number): number {
    const end = text.indexOf('\n', offset);
    return end < 0 ? text.length : end;
  }

  function lineOf(offset: number): number {
    for (; lineEnd < offset; lineEnd = endOfLine(lineEnd + 1)) line += 1;
    return line;
  }

  function fail(offset: number, why: string): never {
    const before = text.slice(0, offset);
    const place = `line ${before.split('\n').length}, column ${offset - before.lastIndexOf('\n')}`;
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: ${place}: ${why}`] });
  }

  function take(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  }

  function skip(): void {
    for (;;) {
      take(blank[form]);
      if (text[at] === '#') {
        at = endOfLine(at);
      } else if (text.startsWith('/*', at)) {
        const end = text.indexOf('*/', at + 2);
        if (end < 0) fail(at, 'a comment that does not end');
        at = end + 2;
      } else {
        return;
      }
    }
  }

  function string(): string {
    const start = at++;
    let value = '';
    for (;;) {
      value += take(stringPiece);
      const character = text[at++];
      if (character === '"') return value;
      if (character === undefined) fail(start, 'a quoted string that does not end');
      const escaped = text[at++] ?? '';
      // A backslash before anything else is meant: regular expressions stand in configurations.
      value += escapes[escaped] ?? `\\${escaped}`;
    }
  }

  return {
    fail,
    next() {
      skip();
      const offset = at;
      const token = (kind: Token['kind'], value = ''): Token => ({
        kind,
        text: value,
        offset,
        line: lineOf(offset),
      });
      const character = text[at];
      if (character === undefined) return token('end');
      if (character === '\n') {
        at += 1;
        return token('line-end');
      }
      if (character === '"') return token('string', string());
      if (form === 'curly' && isSign(character)) {
        at += 1;
        return token(character);
      }
      if (character === '[' || (inList && character === ']')) {
        at += 1;
        inList = character === '[';
        return token(character);
      }
      return token('word', take((inList ? wordsInList : words)[form]));
    },
  };
}

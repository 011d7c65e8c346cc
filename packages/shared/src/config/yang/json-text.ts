import { printParseErrorCode, visit } from 'jsonc-parser';
import { CallhomeError } from '../../errors.js';

/** Deeper than any document of the model, and shallow enough for a parser that recurses. */
const maxDepth = 64;

/** Objects, arrays and values: more than any configuration has, and few enough to keep all that is wrong with them. */
const maxValues = 250_000;

/** What YANG's strings cannot hold (RFC 7950 §9.4), lone surrogates among it; of non-characters those that libyang refuses. */
const notYang = /[^\t\n\r\u{20}-\u{10ffff}]|\p{Surrogate}|[\ufffe\uffff]/u;
const escapedNonCharacter = /\\u(?:fd[de][0-9a-f]|fff[ef])/i;

/**
 * Whether a number is an integer as it is written, in libyang's eyes: `1e1` and `0.0` are, `10.0` is not.
 * All other numbers are strings (RFC 7951 §6.1).
 */
function isWhole(value: number, literal: string): boolean {
  if (value === 0 || !literal.includes('.')) return Number.isInteger(value);
  // libyang loses the point of a fraction that the exponent makes whole to its last digit
  const [, fraction = '', exponent] = /^-?0\.([1-9][0-9]*?)0*e\+?([0-9]+)$/i.exec(literal) ?? [];
  if (fraction.length === Number(exponent)) return false;
  return Number.isInteger(value) && /e\+?[1-9]/i.test(literal);
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

interface Container {
  readonly value: unknown[] | Record<string, unknown>;
  /** The member whose value comes next. */
  member: string;
}

/**
 * Reads a JSON document as RFC 7951 has it: members once, whole numbers, YANG's characters.
 * An error tells the kind of fault and its place, and quotes nothing: the text may hold keys.
 * @throws CALLHOME_CONFIG_INVALID
 */
export function parseJson(text: string, file: string): unknown {
  const refuse = (offset: number, why: string): never => {
    throw new CallhomeError('CALLHOME_CONFIG_INVALID', {
      problems: [`${file}: ${lineAndColumn(text, offset)}: ${why}`],
    });
  };

  let root: unknown;
  const open: Container[] = [];
  let values = 0;
  const put = (value: unknown, offset: number): void => {
    if (++values > maxValues) refuse(offset, `not a configuration: more than ${maxValues} values`);
    const container = open.at(-1);
    if (!container) root = value;
    else if (Array.isArray(container.value)) container.value.push(value);
    else container.value[container.member] = value;
  };
  const begin = (value: Container['value'], offset: number): void => {
    if (open.length === maxDepth) refuse(offset, `not a configuration: more than ${maxDepth} levels deep`);
    put(value, offset);
    open.push({ value, member: '' });
  };
  visit(
    text,
    {
      onError(error, offset) {
        const kind = printParseErrorCode(error).replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
        refuse(offset, `not JSON: ${kind.toLowerCase()}`);
      },
      // Without a prototype, so that `__proto__` is a member like any other.
      onObjectBegin: (offset) => begin(Object.create(null), offset),
      onObjectEnd: () => void open.pop(),
      onArrayBegin: (offset) => begin([], offset),
      onArrayEnd: () => void open.pop(),
      onObjectProperty(name, offset) {
        const container = open.at(-1);
        if (!container) return;
        if (Object.hasOwn(container.value, name)) refuse(offset, 'a member that is there already');
        container.member = name;
      },
      onLiteralValue(value: unknown, offset, length) {
        const literal = text.slice(offset, offset + length);
        if (typeof value === 'string' && (notYang.test(value) || escapedNonCharacter.test(literal)))
          refuse(offset, 'a character that YANG does not allow');
        if (typeof value === 'number' && !isWhole(value, literal))
          refuse(offset, 'a number that is not whole');
        put(value, offset);
      },
    },
    { disallowComments: true, allowTrailingComma: false },
  );
  return root;
}

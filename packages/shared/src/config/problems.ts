import { CallhomeError, peerText } from '../errors.js';
import { members } from './configuration.js';
import { placeOf, type Steps } from './yang/path.js';

/** Something wrong with a document at a place, or with all of it. */
export interface Problem {
  readonly steps: Steps;
  readonly rule: string;
  /** What is there instead, where that helps. */
  readonly value?: unknown;
}

const maxShown = 60;
/** More lines than anybody mends at once. */
const maxLines = 100;

function valueText({ value }: Problem): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  const text = peerText(JSON.stringify(value));
  return `, not ${text.length > maxShown ? `${text.slice(0, maxShown)}…` : text}`;
}

/** One line: the instance path, the rule and, where it is a leaf's and no secret, the value. */
function problemLine(file: string, data: unknown, problem: Problem): string {
  const { path, node } = placeOf(members, data, problem.steps);
  const open = (node?.kind === 'leaf' || node?.kind === 'leaf-list') && !node.facts.secret;
  return `${file}: ${path}: ${problem.rule}${open ? valueText(problem) : ''}`;
}

/** A line for each problem, the same line once; of very many the first hundred, and how many there are besides. */
export function problemLines(file: string, data: unknown, problems: readonly Problem[]): string[] {
  const lines = new Set<string>();
  for (const [index, problem] of problems.entries()) {
    lines.add(problemLine(file, data, problem));
    const more = problems.length - index - 1;
    if (lines.size === maxLines && more > 0) return [...lines, `${file}: and ${more} more`];
  }
  return [...lines];
}

/** What is wrong with a document, as the error that tells it. */
export function configInvalid(file: string, data: unknown, problems: readonly Problem[]): CallhomeError {
  return new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: problemLines(file, data, problems) });
}

/** A text that is not XML, as the error of a configuration. */
export function notXml(file: string, error: CallhomeError<'CALLHOME_XML'>): CallhomeError {
  // columns of the first line are not the file's
  const why = error.facts.why.replace(/^(\d+):\d+: /, 'line $1: ');
  return new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: not XML: ${why}`] }, error);
}

import { CallhomeError, peerText } from '../errors.js';
import { members } from './configuration.js';
import { placeOf, type Steps } from './yang/path.js';

/** An error or a warning at a place of a document, or of all of it. */
export interface Finding {
  readonly steps: Steps;
  /** What is wrong, or what rule is broken. */
  readonly text: string;
  /** What is there instead, where that helps. */
  readonly value?: unknown;
}

const maxShown = 60;
/** More lines than anybody mends at once. */
const maxLines = 100;

function valueText({ value }: Finding): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  const text = peerText(JSON.stringify(value));
  return `, not ${text.length > maxShown ? `${text.slice(0, maxShown)}…` : text}`;
}

/** One line: the instance path, the text and, where it is a leaf's and no secret, the value. */
function findingLine(file: string, data: unknown, finding: Finding): string {
  const { path, node } = placeOf(members, data, finding.steps);
  const open = (node?.kind === 'leaf' || node?.kind === 'leaf-list') && !node.facts.secret;
  return `${file}: ${path}: ${finding.text}${open ? valueText(finding) : ''}`;
}

/** A line for each finding, the same line once; of very many the first hundred, and how many there are besides. */
export function findingLines(file: string, data: unknown, findings: readonly Finding[]): string[] {
  const lines = new Set<string>();
  for (const [index, finding] of findings.entries()) {
    lines.add(findingLine(file, data, finding));
    const more = findings.length - index - 1;
    if (lines.size === maxLines && more > 0) return [...lines, `${file}: and ${more} more`];
  }
  return [...lines];
}

/** What is wrong with a document, as the error that tells it. */
export function configInvalid(file: string, data: unknown, errors: readonly Finding[]): CallhomeError {
  return new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: findingLines(file, data, errors) });
}

/** A text that is not XML, as the error of a configuration. */
export function notXml(file: string, error: CallhomeError<'CALLHOME_XML'>): CallhomeError {
  // columns of the first line are not the file's
  const why = error.facts.why.replace(/^(\d+):\d+: /, 'line $1: ');
  return new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: [`${file}: not XML: ${why}`] }, error);
}

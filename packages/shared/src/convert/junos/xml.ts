import { notXml } from '../../config/finding.js';
import { isCallhomeError } from '../../errors.js';
import { createPrologScanner } from '../../xml/prolog.js';
import { createXmlReader, type XmlTag } from '../../xml/reader.js';
import type { Statement } from './statement.js';

/** Elements around a configuration, or in it, that are no words of it; the servers of a client have no word of their own. */
const unnamed: ReadonlySet<string> = new Set(['rpc-reply', 'data', 'configuration', 'servers']);

/** What a device shows to those who may not see a secret. */
const hidden = '/* SECRET-DATA */';

interface Open {
  readonly words: string[];
  readonly line: number;
  /** What an attribute says of it; its content is then told as a whole. */
  readonly verb: 'set' | 'deactivate' | 'delete';
  /** Whether it is an entry of a list, whose name is among the words. */
  named: boolean;
  text: string;
  children: number;
}

function verbOf({ attributes }: XmlTag): Open['verb'] {
  if (attributes['inactive']) return 'deactivate';
  return attributes['delete'] || attributes['operation']?.value === 'delete' ? 'delete' : 'set';
}

/**
 * The statements of a configuration as `show configuration | display xml` gives it, in an `<rpc-reply>` or without: each
 * element is a word, an entry of a list is called by its `<name>`, and a leaf's text is its value.
 * @throws CALLHOME_CONFIG_INVALID with the line where it is not XML
 */
export function xmlStatements(text: string, file: string): Statement[] {
  const bytes = Buffer.from(text);
  const start = createPrologScanner().find(bytes) ?? 0;
  const lines = bytes.subarray(0, start).toString().replace(/[^\n]/g, '');
  // its attributes are there too where the element that declares their prefix is not
  const around = `<around xmlns:junos="http://xml.juniper.net/junos">${lines}${bytes.subarray(start)}</around>`;

  const statements: Statement[] = [];
  const open: Open[] = [];
  let line = 1;
  let lineEnd = around.indexOf('\n');
  function lineAt(position: number): number {
    for (; lineEnd >= 0 && lineEnd < position; lineEnd = around.indexOf('\n', lineEnd + 1)) line += 1;
    return line;
  }
  /** Comments and the like are elements with a prefix. */
  let aside = 0;
  const reader = createXmlReader({
    open(tag, depth) {
      if (depth === 0) return;
      if (aside > 0 || tag.prefix === 'junos') {
        aside += 1;
        return;
      }
      const parent = open.at(-1);
      if (parent) parent.children += 1;
      const words = unnamed.has(tag.local) ? [] : [tag.local];
      open.push({
        words,
        line: lineAt(reader.position),
        verb: verbOf(tag),
        named: false,
        text: '',
        children: 0,
      });
    },
    text(piece) {
      const at = open.at(-1);
      if (at && aside === 0 && at.children === 0) at.text += piece;
    },
    close() {
      if (aside > 0) {
        aside -= 1;
        return;
      }
      const element = open.pop();
      if (!element) return;
      const parent = open.at(-1);
      const value = element.text.trim();
      const isLeaf = element.children === 0;
      if (parent && parent.children === 1 && isLeaf && element.words[0] === 'name') {
        parent.words.push(value);
        parent.named = true;
        return;
      }
      const told = open.some(({ verb }) => verb !== 'set');
      const empty = isLeaf || (element.children === 1 && element.named);
      if (told || (element.verb === 'set' && !empty)) return;
      if (isLeaf && element.verb === 'set' && value !== '' && value !== hidden) element.words.push(value);
      const path = [...open, element].flatMap(({ words }) => words);
      const all = [...open, element].flatMap((one) => one.words.map(() => one.line));
      if (path.length > 0) statements.push({ verb: element.verb, path, lines: all, line: element.line });
    },
  });
  reader.wantText(true);
  try {
    reader.write(around);
    reader.end();
  } catch (error) {
    if (isCallhomeError(error, 'CALLHOME_XML')) throw notXml(file, error);
    throw error;
  }
  return statements;
}

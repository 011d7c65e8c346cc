import { CallhomeError } from '../errors.js';
import { createPrologScanner } from './prolog.js';
import { createUtf8Decoder, createXmlReader, escapeAttribute, escapeText, type XmlTag } from './reader.js';

/** The namespace declarations of one element and, outwards, of those around it. */
interface NamespaceScope {
  /** By prefix; the empty prefix is the default namespace. */
  readonly declarations: ReadonlyMap<string, string>;
  readonly outer: NamespaceScope | undefined;
}

export interface XmlAttribute {
  readonly prefix: string;
  readonly name: string;
  readonly namespace: string;
  readonly value: string;
}

/** An element with all that is in it. Names are to be compared by `namespace` and `name`, never by prefix. */
export interface XmlElement {
  readonly prefix: string;
  readonly name: string;
  readonly namespace: string;
  /** Without namespace declarations. */
  readonly attributes: readonly XmlAttribute[];
  /** What the prefixes mean here: in names, and in values such as identities and XPath. */
  readonly scope: NamespaceScope;
  readonly content: readonly (XmlElement | string)[];
}

/** The elements directly in `element`, in order. */
export function childElements(element: XmlElement): XmlElement[] {
  return element.content.filter((part) => typeof part !== 'string');
}

/** The first element directly in `element` with this name. */
export function childElement(element: XmlElement, namespace: string, name: string): XmlElement | undefined {
  return childElements(element).find((child) => child.name === name && child.namespace === namespace);
}

/** The character data directly in `element`, without the white space around it. */
export function textOf(element: XmlElement): string {
  return element.content
    .filter((part) => typeof part === 'string')
    .join('')
    .trim();
}

/** Builds an element from the events of an XmlReader. */
export interface ElementBuilder {
  open(tag: XmlTag): void;
  text(text: string): void;
  /** The result is the element when its last tag has closed. */
  close(): XmlElement | undefined;
}

interface OpenElement extends XmlElement {
  readonly content: (XmlElement | string)[];
}

/** @param around the declarations that hold around the element, by prefix */
export function createElementBuilder(around: Readonly<Record<string, string>> = {}): ElementBuilder {
  const outermost: NamespaceScope = { declarations: new Map(Object.entries(around)), outer: undefined };
  const open: OpenElement[] = [];
  return {
    open(tag) {
      const outer = open.at(-1)?.scope ?? outermost;
      const declarations = new Map(Object.entries(tag.ns));
      const element: OpenElement = {
        prefix: tag.prefix,
        name: tag.local,
        namespace: tag.uri,
        attributes: Object.values(tag.attributes)
          .filter((attribute) => attribute.prefix !== 'xmlns' && attribute.name !== 'xmlns')
          .map(({ prefix, local, uri, value }) => ({ prefix, name: local, namespace: uri, value })),
        scope: declarations.size > 0 ? { declarations, outer } : outer,
        content: [],
      };
      open.at(-1)?.content.push(element);
      open.push(element);
    },
    text(text) {
      open.at(-1)?.content.push(text);
    },
    close() {
      const element = open.pop();
      return open.length === 0 ? element : undefined;
    },
  };
}

/** Of one document, where no less is asked for: each is kept, and takes some hundred times the memory of its text. */
const usualMaxElements = 250_000;

/**
 * Reads elements that stand beside each other, without one around them all.
 * @throws CALLHOME_XML, with the line
 */
export function parseElements(xml: string): XmlElement[] {
  const bytes = Buffer.from(xml);
  const start = createPrologScanner().find(bytes) ?? 0;
  const lines = bytes.subarray(0, start).toString().replace(/[^\n]/g, '');
  const around = parseElement(`<elements>${lines}${bytes.subarray(start)}</elements>`);
  if (textOf(around) !== '') throw new CallhomeError('CALLHOME_XML', { why: 'text outside of the elements' });
  return childElements(around);
}

/**
 * Reads a whole document.
 * @throws CALLHOME_XML
 */
export function parseElement(xml: string | Buffer, maxElements = usualMaxElements): XmlElement {
  const builder = createElementBuilder();
  let root: XmlElement | undefined;
  let elements = 0;
  const reader = createXmlReader({
    open(tag) {
      if (++elements > maxElements)
        throw new CallhomeError('CALLHOME_XML', { why: `more than ${maxElements} elements` });
      builder.open(tag);
    },
    text: builder.text,
    close() {
      root = builder.close();
    },
  });
  reader.wantText(true);
  const bytes = typeof xml === 'string' ? Buffer.from(xml) : xml;
  const decoder = createUtf8Decoder();
  reader.write(decoder.decode(bytes.subarray(createPrologScanner().find(bytes))));
  decoder.end();
  reader.end();
  if (root === undefined) throw new CallhomeError('CALLHOME_XML', { why: 'there is no element' });
  return root;
}

function qualified(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}:${name}`;
}

function attributesXml(element: XmlElement): string {
  return element.attributes
    .map(({ prefix, name, value }) => ` ${qualified(prefix, name)}="${escapeAttribute(value)}"`)
    .join('');
}

function declarationsXml(declarations: ReadonlyMap<string, string>): string {
  let xml = '';
  for (const [prefix, namespace] of declarations) {
    xml += ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(namespace)}"`;
  }
  return xml;
}

function elementXml(element: XmlElement, declarations: string, content: string): string {
  const name = qualified(element.prefix, element.name);
  const start = `<${name}${declarations}${attributesXml(element)}`;
  return content === '' ? `${start}/>` : `${start}>${content}</${name}>`;
}

function contentXml(element: XmlElement): string {
  let xml = '';
  for (const part of element.content) {
    if (typeof part === 'string') {
      xml += escapeText(part);
    } else {
      const own = part.scope === element.scope ? '' : declarationsXml(part.scope.declarations);
      xml += elementXml(part, own, contentXml(part));
    }
  }
  return xml;
}

/** What a prefix means; the empty one is the default namespace. */
export function lookUp(scope: NamespaceScope, prefix: string): string | undefined {
  for (let at: NamespaceScope | undefined = scope; at !== undefined; at = at.outer) {
    const namespace = at.declarations.get(prefix);
    if (namespace !== undefined) return namespace;
  }
  return undefined;
}

const notInNames = new Set(` \t\r\n<>"'=/:()[],|@&;`);

/** Each character is looked at once: backwards from every colon to what cannot stand in a name, colons included. */
function wordsBeforeColons(text: string): Set<string> {
  const words = new Set<string>();
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    let start = colon;
    while (start > 0 && !notInNames.has(text.charAt(start - 1))) start -= 1;
    if (start < colon) words.add(text.slice(start, colon));
  }
  return words;
}

/** An element as XML that means the same wherever it is put: the declarations it inherits and uses come with it. */
export function serializeElement(element: XmlElement): string {
  const content = contentXml(element);
  const attributes = attributesXml(element);
  const declarations = new Map([['', lookUp(element.scope, '') ?? '']]);
  // a prefix may be used in a value too, where only its owner knows: whatever stands before a colon counts
  for (const prefix of wordsBeforeColons(`${element.prefix}: ${attributes}${content}`)) {
    const namespace = lookUp(element.scope, prefix);
    if (namespace !== undefined) declarations.set(prefix, namespace);
  }
  return elementXml(element, declarationsXml(declarations), content);
}

/** A start tag's attributes with the declarations of their prefixes, to be repeated on another element. */
export function repeatAttributes(element: XmlElement): string {
  const declarations = new Map<string, string>();
  for (const { prefix, namespace } of element.attributes) {
    if (prefix !== '' && prefix !== 'xml') declarations.set(prefix, namespace);
  }
  return declarationsXml(declarations) + attributesXml(element);
}

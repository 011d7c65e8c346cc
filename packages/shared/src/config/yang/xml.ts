import { quote } from '../../errors.js';
import { childElements, lookUp, parseElements, type XmlElement } from '../../xml/element.js';
import { escapeText } from '../../xml/reader.js';
import type { Report } from './json.js';
import { hasMembersOf, memberName, moduleOf, namespaceOf, splitName } from './modules.js';
import {
  type Fields,
  isFields,
  type LeafListNode,
  type LeafNode,
  membersOf,
  nodeOf,
  type Shape,
} from './node.js';
import type { Steps } from './path.js';
import type { TypeFacts } from './types.js';

interface At {
  readonly shape: Shape;
  readonly module: string | undefined;
  readonly steps: Steps;
}

function ownText(element: XmlElement): string {
  return element.content.filter((part) => typeof part === 'string').join('');
}

/** A value as JSON has it; one that is not of the type stays text, which is not of the type either. */
function readValue(type: TypeFacts, element: XmlElement): unknown {
  const text = ownText(element);
  switch (type.encoding) {
    case 'integer':
      // -0 is a number too (RFC 7950 §9.2.1), and the same as 0
      return /^[\t\n\r ]*[+-]?[0-9]+[\t\n\r ]*$/.test(text) ? Number(text) + 0 : text;
    case 'empty':
      return text === '' ? [null] : text;
    case 'identityref': {
      const { module: prefix = '', name } = splitName(text);
      const namespace = lookUp(element.scope, prefix) ?? '';
      const module = moduleOf(namespace);
      return module === undefined ? `{${namespace}}${name}` : `${module}:${name}`;
    }
    case 'text':
      return text;
  }
}

function readLeaf(node: LeafNode | LeafListNode, element: XmlElement, steps: Steps, report: Report): unknown {
  if (childElements(element).length > 0) report(steps, 'must not have elements in it');
  return readValue(node.type, element);
}

function unknownElement({ namespace }: XmlElement, module: string | undefined, at: At): string {
  if (namespace === '') return 'is in no namespace: there is no xmlns';
  if (module !== undefined && (module === at.module || hasMembersOf(at.shape, module)))
    return 'is not known here';
  return `is in the namespace ${quote(namespace)}, of which nothing is known here`;
}

function readElements(elements: readonly XmlElement[], at: At, report: Report): Fields {
  const data: Record<string, unknown> = Object.create(null);
  for (const element of elements) {
    const module = moduleOf(element.namespace);
    const member = memberName(module, element.name, at.module);
    const schema = module !== undefined && Object.hasOwn(at.shape, member) ? at.shape[member] : undefined;
    const steps = [...at.steps, schema ? member : element.name];
    if (!schema) {
      report(steps, unknownElement(element, module, at), element.name);
      continue;
    }
    for (const { name } of element.attributes) report(steps, `has the attribute ${name}: there are none`);
    const node = nodeOf(schema);
    const former = data[member];
    if (node.kind === 'list' || node.kind === 'leaf-list') {
      const entries: unknown[] = Array.isArray(former) ? former : [];
      data[member] = entries;
      const there = [...steps, entries.length];
      entries.push(
        node.kind === 'list'
          ? readFields(element, { shape: node.shape, module, steps: there }, report)
          : readLeaf(node, element, there, report),
      );
    } else if (former !== undefined) report(steps, 'is there twice');
    else if (node.kind === 'container')
      data[member] = readFields(element, { shape: node.shape, module, steps }, report);
    else data[member] = node.kind === 'leaf' ? readLeaf(node, element, steps, report) : ownText(element);
  }
  return data;
}

function readFields(element: XmlElement, at: At, report: Report): Fields {
  const children = childElements(element);
  if (/[^\t\n\r ]/.test(ownText(element))) {
    const [first] = membersOf(at.shape).filter(({ node }) => node.kind !== 'absent');
    const instead = first && children.length === 0 ? ` where elements belong, such as ${first.name}` : '';
    report(at.steps, `must not have text${instead || ' between its elements'}`);
  }
  return readElements(children, at, report);
}

/**
 * Reads a document in XML: its top-level nodes, one after the other.
 * @throws CALLHOME_XML
 */
export function readXml(shape: Shape, text: string, report: Report): Fields {
  return readElements(parseElements(text), { shape, module: undefined, steps: [] }, report);
}

export interface XmlOptions {
  /** Without line breaks, and without the leaves whose values are not to be shown. */
  readonly forPeers?: boolean;
}

function valueXml(type: TypeFacts, value: unknown): { text: string; declaration: string } {
  if (type.encoding === 'empty') return { text: '', declaration: '' };
  const text = escapeText(String(value));
  const { module } = splitName(text);
  const declared = type.encoding === 'identityref' && module !== undefined;
  return { text, declaration: declared ? ` xmlns:${module}="${namespaceOf(module)}"` : '' };
}

function fieldsXml(shape: Shape, data: Fields, level: number, options: XmlOptions): string {
  const [indent, lineEnd] = options.forPeers ? ['', ''] : ['  '.repeat(level), '\n'];
  let xml = '';
  // in the schema's order, which puts a list's key first (RFC 7950 §7.8.5)
  for (const { name: member, node } of membersOf(shape)) {
    const value = data[member];
    if (value === undefined || node.kind === 'absent') continue;
    if (options.forPeers && node.facts.secret) continue;
    const { module, name } = splitName(member);
    const start = `<${name}${module === undefined ? '' : ` xmlns="${namespaceOf(module)}"`}`;
    const repeats = node.kind === 'list' || node.kind === 'leaf-list';
    for (const entry of repeats && Array.isArray(value) ? value : [value]) {
      let declaration = '';
      let content = '';
      if ('shape' in node) {
        const inner = isFields(entry) ? fieldsXml(node.shape, entry, level + 1, options) : '';
        if (inner !== '') content = `${lineEnd}${inner}${indent}`;
      } else ({ text: content, declaration } = valueXml(node.type, entry));
      const element = `${start}${declaration}${content === '' ? '/>' : `>${content}</${name}>`}`;
      xml += `${indent}${element}${lineEnd}`;
    }
  }
  return xml;
}

/** Valid data as XML, which `readXml` reads as the same: its top-level nodes, one after the other. */
export function writeXml(shape: Shape, data: Fields, options: XmlOptions = {}): string {
  return fieldsXml(shape, data, 0, options);
}

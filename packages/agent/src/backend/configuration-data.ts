import { escapeText } from '@callhome/shared/netconf/xml.js';
import { parseElement, type XmlElement } from '@callhome/shared/netconf/xml-element.js';

/** Leaves that a session never shows. */
const secrets: readonly string[] = ['cleartext-private-key'];

/** Leaves whose values are identities, MODULE:NAME: XML has to declare the module's namespace for them. */
const identityLeaves: readonly string[] = ['public-key-format', 'private-key-format'];

function namespaceOf(module: string): string {
  return module.startsWith('ietf-') ? `urn:ietf:params:xml:ns:yang:${module}` : `urn:callhome:yang:${module}`;
}

function leafXml(name: string, declaration: string, value: unknown): string {
  const text = value === null ? '' : escapeText(String(value));
  if (!identityLeaves.includes(name)) return `<${name}${declaration}>${text}</${name}>`;
  const module = text.slice(0, text.indexOf(':'));
  return `<${name}${declaration} xmlns:${module}="${namespaceOf(module)}">${text}</${name}>`;
}

/** A member of RFC 7951 JSON as XML: lists and leaf-lists repeat their element. */
function memberXml(qualifiedName: string, value: unknown): string {
  const [module, local] = qualifiedName.includes(':')
    ? qualifiedName.split(':', 2)
    : [undefined, qualifiedName];
  const name = local ?? '';
  if (secrets.includes(name)) return '';
  const declaration = module === undefined ? '' : ` xmlns="${namespaceOf(module)}"`;
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
  return entries
    .map((entry) =>
      typeof entry === 'object' && entry !== null
        ? `<${name}${declaration}>${membersXml(entry)}</${name}>`
        : leafXml(name, declaration, entry),
    )
    .join('');
}

function membersXml(node: object): string {
  return Object.entries(node)
    .map(([name, value]) => memberXml(name, value))
    .join('');
}

/** The top-level nodes of a validated configuration document, without its secrets. */
export function configurationData(document: unknown): XmlElement[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).map(([name, value]) => parseElement(memberXml(name, value)));
}

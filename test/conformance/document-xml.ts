import { namespaceOf, splitName } from '@callhome/shared/config/yang/modules.js';
import { type Fields, isFields } from '@callhome/shared/config/yang/node.js';

function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function elementXml(qualified: string, value: unknown): string {
  const { module: owner, name } = splitName(qualified);
  const start = `<${name}${owner === undefined ? '' : ` xmlns="${namespaceOf(owner)}"`}`;
  if (isFields(value)) return `${start}>${documentXml(value)}</${name}>`;
  const text = value === null ? '' : String(value);
  const prefix = /^((?:ietf|iana|callhome)-[a-z0-9-]+):[a-z]/.exec(text)?.[1];
  return `${start}${prefix === undefined ? '' : ` xmlns:${prefix}="${namespaceOf(prefix)}"`}>${escapeText(text)}</${name}>`;
}

/** Any data as XML, whatever the schema says: written apart from what is under test. */
export function documentXml(document: Fields): string {
  return Object.entries(document)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((entry) => elementXml(name, entry)),
    )
    .join('');
}

import { SaxesParser, type SaxesTagNS } from 'saxes';

/**
 * All that is used of saxes beyond its documentation: it has no limits, and tells of what it holds to nobody. The exact
 * version is pinned.
 */

/** Whether a document type has been declared. */
export function hasDoctype(parser: SaxesParser): boolean {
  return parser['doctype'];
}

/** How much of a construct that is not complete yet is held: a name, an attribute, a comment and so on. Characters. */
export function heldCharacters(parser: SaxesParser): number {
  return parser['text'].length + parser['name'].length + parser['entity'].length + parser['piTarget'].length;
}

/** Takes what it holds of a CDATA section that has begun, so that a section of any length passes; empty elsewhere. */
export function takeCdata(parser: SaxesParser): string {
  const state = parser['stateTable'][parser['state']];
  // in the other two, what may be the section's end is in the state and not in the text
  if (state !== parser['sCData'] && state !== parser['sCDataEnding'] && state !== parser['sCDataEnding2'])
    return '';
  const text = parser['text'];
  parser['text'] = '';
  return text;
}

/**
 * Looks prefixes up in a table, whose time does not depend on how deep the document is: saxes itself goes through all
 * open elements for each name.
 */
export class TableParser extends SaxesParser<{ xmlns: true; additionalNamespaces: Record<string, string> }> {
  /** What each prefix that is declared has meant, from the outermost open element inwards. */
  readonly #meanings = new Map<string, string[]>();

  /** To be called for each element that opens. */
  declare(tag: SaxesTagNS): void {
    for (const prefix in tag.ns) {
      const meaning = tag.ns[prefix] ?? '';
      const meanings = this.#meanings.get(prefix);
      if (meanings === undefined) this.#meanings.set(prefix, [meaning]);
      else meanings.push(meaning);
    }
  }

  /** To be called for each element that closes. */
  forget(tag: SaxesTagNS): void {
    for (const prefix in tag.ns) {
      const meanings = this.#meanings.get(prefix);
      meanings?.pop();
      if (meanings?.length === 0) this.#meanings.delete(prefix);
    }
  }

  override resolve(prefix: string): string | undefined {
    return this['topNS']?.[prefix] ?? this.#meanings.get(prefix)?.at(-1) ?? this['ns'][prefix];
  }
}

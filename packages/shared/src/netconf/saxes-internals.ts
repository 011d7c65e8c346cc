import type { SaxesParser } from 'saxes';

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

/**
 * What steers a terminal, reorders or hides text, or breaks a line: control characters, formatting that nobody sees (such
 * as that of bidirectional text), the separators of lines and paragraphs, halves of pairs, and what is no character yet or
 * only by agreement. The joiners stay, which emoji and some scripts are written with.
 */
const active = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u.source;

const activeRuns = new RegExp(`(?:${active})+`, 'gu');
const activeCharacters = new RegExp(active, 'gu');

/** Text that does nothing but be read: what would is replaced, a whole run of it at once. */
export function inert(text: string, replacement: string): string {
  return text.replace(activeRuns, replacement);
}

/** A line of JSON that does nothing but be read, and still says the same: what would stands as escapes. */
export function inertJson(line: string): string {
  return line.replace(activeCharacters, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

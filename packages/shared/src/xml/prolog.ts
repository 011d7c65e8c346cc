const openComment = Buffer.from('<!--');
const openInstruction = Buffer.from('<?');
const byteOrderMark = Buffer.from('\u{feff}');

/** Finds the root element of a document that is arriving. */
export interface PrologScanner {
  /** @returns where it begins in `bytes`, all of the document so far; `undefined` while that cannot be told */
  find(bytes: Buffer): number | undefined;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function startsWith(bytes: Buffer, at: number, prefix: Buffer): boolean {
  return bytes.subarray(at, at + prefix.length).equals(prefix);
}

/**
 * What precedes the root may be white space, comments, processing instructions and an XML declaration, in any order:
 * devices put the declaration of a message after white space and comments between messages, where XML has no place
 * for it. Anything else counts as the root, for the parser to refuse.
 */
export function createPrologScanner(): PrologScanner {
  let at = 0;
  /** Up to here there is no end of the comment or instruction that begins at `at`. */
  let searched = 0;
  return {
    find(bytes) {
      if (at === 0 && startsWith(bytes, 0, byteOrderMark)) at = byteOrderMark.length;
      for (;;) {
        while (isSpace(bytes[at])) at++;
        const ahead = bytes.subarray(at, at + openComment.length);
        const comment = ahead.equals(openComment);
        if (!comment && !startsWith(bytes, at, openInstruction)) {
          const undecided =
            openComment.subarray(0, ahead.length).equals(ahead) ||
            (at === 0 && byteOrderMark.subarray(0, ahead.length).equals(ahead));
          return undecided ? undefined : at;
        }
        const close = comment ? '-->' : '?>';
        const end = bytes.indexOf(
          close,
          Math.max(searched, at + (comment ? openComment : openInstruction).length),
        );
        if (end < 0) {
          searched = bytes.length - close.length + 1;
          return undefined;
        }
        at = end + close.length;
      }
    },
  };
}

/** RFC 4253 §4.2 lets a server say other lines first. Bytes. */
const maxPreamble = 8 * 1024;

/** RFC 4253 §4.2. Bytes. */
const maxIdentification = 255;

export type IdentificationScan =
  | { readonly kind: 'more' }
  /** The identification starts at `at`; before it are the lines that a server may say first. */
  | { readonly kind: 'found'; readonly at: number }
  | { readonly kind: 'invalid'; readonly why: string };

/** Looks for the line that starts with `SSH-` in all the bytes that a peer has sent so far. */
export function scanIdentification(seen: Buffer, role: 'client' | 'server'): IdentificationScan {
  const invalid = (why: string): IdentificationScan => ({ kind: 'invalid', why });
  for (let line = 0; ; ) {
    const end = seen.indexOf(0x0a, line);
    const start = seen.toString('latin1', line, line + 4);
    if (start === 'SSH-') {
      const length = (end === -1 ? seen.length : end) - line;
      if (length > maxIdentification) return invalid(`its line is longer than ${maxIdentification} bytes`);
      if (end === -1) return { kind: 'more' };
      const text = seen.toString('latin1', line, end);
      return /^SSH-(2\.0|1\.99)-/.test(text)
        ? { kind: 'found', at: line }
        : invalid('it does not speak SSH 2.0');
    }
    // A client may say nothing before its identification.
    if (role === 'client' && !'SSH-'.startsWith(start))
      return invalid('its first line does not start with "SSH-"');
    if (line > maxPreamble || (end === -1 && seen.length > maxPreamble)) {
      return invalid(`there is none in the first ${maxPreamble} bytes`);
    }
    if (end === -1) return { kind: 'more' };
    line = end + 1;
  }
}

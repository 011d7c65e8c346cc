/** Strings as SSH writes them (RFC 4251 §5): each behind its length. */
export function writeStrings(...strings: Buffer[]): Buffer {
  return Buffer.concat(
    strings.flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return [length, text];
    }),
  );
}

/** So many strings, from `at` on; undefined where they are not all there. */
export function readStrings(bytes: Buffer, at: number, count: number): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let start = at; strings.length < count; ) {
    if (bytes.length - start < 4) return undefined;
    const end = start + 4 + bytes.readUInt32BE(start);
    if (end > bytes.length) return undefined;
    strings.push(bytes.subarray(start + 4, end));
    start = end;
  }
  return strings;
}

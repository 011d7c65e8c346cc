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

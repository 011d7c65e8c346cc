import { createHash } from 'node:crypto';
import { type Duplex, Readable } from 'node:stream';

/** Sends so many bytes and leaves the stream open; resolves with their hash. */
export async function send(stream: Duplex, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const block = Buffer.alloc(61_234, 'callhome');
  const blocks = function* () {
    for (let left = bytes; left > 0; left -= block.length) {
      const piece = Buffer.from(block.subarray(0, Math.min(left, block.length)));
      piece.writeUInt32BE(left);
      hash.update(piece);
      yield piece;
    }
  };
  const source = Readable.from(blocks());
  source.pipe(stream, { end: false });
  await new Promise<void>((resolve, reject) => {
    source.once('end', resolve);
    stream.once('error', reject);
  });
  return hash.digest('hex');
}

/** Resolves with the hash of so many bytes, once they have come. */
export async function receive(stream: Duplex, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  let left = bytes;
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject).on('data', (chunk: Buffer) => {
      hash.update(chunk);
      left -= chunk.length;
      if (left <= 0) resolve();
    });
  });
  return hash.digest('hex');
}

import { finished, type Readable } from 'node:stream';
import { CallhomeError } from './errors.js';

/**
 * Decodes UTF-8, without a byte order mark. Bytes that are none are never replaced: they would reach a device so.
 * @throws TypeError
 */
export function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/**
 * Reads a whole stream.
 * @throws CALLHOME_MESSAGE_TOO_LARGE, naming `what`, beyond `maxBytes`; what the stream fails with
 */
export function readBytes(stream: Readable, maxBytes: number, what: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      // Not destroyed: the answer to a request that is too large goes over the same socket.
      stream.off('data', take);
      stream.pause();
      reject(new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', { what, bytes: maxBytes }));
    };
    stream.on('data', take);
    finished(stream, { writable: false }, (error) => {
      if (error) reject(error);
      else resolve(Buffer.concat(chunks, size));
    });
  });
}

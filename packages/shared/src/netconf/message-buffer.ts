import { CallhomeError } from '../errors.js';

/** A message that is collected whole, up to a bound. */
export interface MessageBuffer {
  /** @throws CALLHOME_MESSAGE_TOO_LARGE */
  append(piece: Buffer): void;
  /** What was collected so far; valid until the next `append` or `clear`. */
  bytes(): Buffer;
  clear(): void;
}

/**
 * Collects by copying into one growing block: holding the pieces themselves would let a peer that sends
 * single bytes make us keep a hundred times the bound.
 * @param what names the message in the error
 * @param max in bytes
 */
export function createMessageBuffer(what: string, max: number): MessageBuffer {
  let block = Buffer.alloc(0);
  let length = 0;
  return {
    append(piece) {
      const needed = length + piece.length;
      if (needed > max) throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', { what, bytes: max });
      if (needed > block.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(max, Math.max(needed, block.length * 2, 256)));
        block.copy(larger, 0, 0, length);
        block = larger;
      }
      piece.copy(block, length);
      length = needed;
    },
    bytes: () => block.subarray(0, length),
    clear() {
      block = Buffer.alloc(0);
      length = 0;
    },
  };
}

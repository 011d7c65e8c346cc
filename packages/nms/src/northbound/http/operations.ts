import type { IncomingMessage } from 'node:http';
import { CallhomeError } from '@callhome/shared/errors.js';
import { createOperationReader, type Operation } from '@callhome/shared/netconf/operation.js';
import { inTurn, share, slice } from '@callhome/shared/turns.js';
import { createRoom } from './room.js';
import { maxOperation } from './schemas.js';

/** What is read of each operation without waiting for room. Bytes. */
const maxSmall = 64 * 1024;

export interface OperationLimits {
  /** Of all operations that are read or wait for their devices, small ones aside: no less than the largest. Bytes. */
  readonly bytes: number;
  /** For the room for one more. */
  readonly waitMs: number;
}

/** An operation that has been read. */
export interface TakenOperation {
  readonly operation: Operation;
  /** To be called, at least once, when it is held no longer. */
  readonly giveBack: () => void;
}

/** Reads the operations that callers send. */
export interface Operations {
  /**
   * Reads the body of a request while it arrives, in turns with all others.
   * @param waitMs for room, if that is less than the limit
   * @param gone when the caller is
   * @throws CALLHOME_OPERATION_INVALID, CALLHOME_MESSAGE_TOO_LARGE, CALLHOME_API_BUSY
   */
  read(request: IncomingMessage, waitMs: number, gone: AbortSignal): Promise<TakenOperation>;
}

export function takeOperations(limits: OperationLimits): Operations {
  const room = createRoom(limits.bytes);
  return {
    async read(request, waitMs, gone) {
      const announced = Number(request.headers['content-length'] ?? maxOperation);
      if (announced > maxOperation)
        throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', { what: 'the operation', bytes: maxOperation });
      const reader = createOperationReader(maxOperation);
      let giveBack: (() => void) | undefined;
      let received = 0;
      let turnEnds = Number.POSITIVE_INFINITY;
      try {
        // not destroyed: the answer to a request that is refused goes over the same socket
        for await (const piece of request.iterator({ destroyOnReturn: false })) {
          const bytes: Buffer = piece;
          received += bytes.length;
          if (received > maxSmall)
            giveBack ??= await room.take(announced, Math.min(waitMs, limits.waitMs), gone);
          for (let at = 0; at < bytes.length; at += slice) {
            if (performance.now() >= turnEnds) {
              await new Promise<void>(inTurn);
              turnEnds = performance.now() + share;
            }
            reader.write(bytes.subarray(at, at + slice));
            // the first slice alone is read at once
            if (turnEnds === Number.POSITIVE_INFINITY) turnEnds = 0;
          }
        }
        return { operation: reader.end(), giveBack: giveBack ?? (() => undefined) };
      } catch (error) {
        giveBack?.();
        throw error;
      }
    },
  };
}

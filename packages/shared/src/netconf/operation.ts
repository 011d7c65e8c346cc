import { CallhomeError, isCallhomeError } from '../errors.js';
import { createMessageBuffer } from './message-buffer.js';
import { createMessageReader } from './message-reader.js';
import { baseNamespace } from './namespaces.js';

/** One operation, checked: exactly one element, so that it cannot end the `<rpc>` around it. */
export interface Operation {
  readonly name: string;
  /** NETCONF's own when the operation says none. */
  readonly namespace: string;
  /** The element alone, without declaration or comments around it. */
  readonly xml: Buffer;
}

function refuse(why: string, cause?: unknown): CallhomeError {
  return new CallhomeError('CALLHOME_OPERATION_INVALID', { why }, cause);
}

/** Checks a user's operation, such as `<get/>`, while it arrives. */
export interface OperationReader {
  /** @throws CALLHOME_OPERATION_INVALID, CALLHOME_MESSAGE_TOO_LARGE */
  write(piece: Buffer): void;
  /** It is complete. @throws CALLHOME_OPERATION_INVALID */
  end(): Operation;
}

/** @param maxBytes of the operation, without what stands around it */
export function createOperationReader(maxBytes: number): OperationReader {
  const xml = createMessageBuffer('the operation', maxBytes);
  let name = '';
  let namespace = '';
  const reader = createMessageReader(
    {
      root(tag) {
        if (tag.local === 'rpc')
          throw refuse('give what stands inside <rpc>, such as <get/>: the <rpc> is put around it');
        if (tag.local === 'hello')
          throw refuse('the <hello> has been sent; give an operation, such as <get/>');
        name = tag.local;
        namespace = tag.uri;
        return 'read';
      },
      data: (piece) => xml.append(piece),
    },
    baseNamespace,
  );
  const check = <T>(step: () => T): T => {
    try {
      return step();
    } catch (error) {
      throw isCallhomeError(error, 'CALLHOME_XML') ? refuse(error.facts.why, error) : error;
    }
  };
  return {
    write: (piece) => check(() => reader.write(piece)),
    end() {
      check(() => reader.end());
      return { name, namespace, xml: xml.bytes() };
    },
  };
}

/**
 * Checks a user's operation that is there as a whole.
 * @throws CALLHOME_OPERATION_INVALID
 */
export function parseOperation(text: string): Operation {
  // it would be sent as something else than what is checked here
  if (/\p{Surrogate}/u.test(text)) throw refuse('it holds half a surrogate pair');
  const reader = createOperationReader(Number.POSITIVE_INFINITY);
  reader.write(Buffer.from(text));
  return reader.end();
}

/** The `<rpc>` message that carries an operation, in pieces. */
export function rpcMessage(messageId: string, operation: Operation): readonly Buffer[] {
  const start = `<?xml version="1.0" encoding="UTF-8"?><rpc xmlns="${baseNamespace}" message-id="${messageId}">`;
  return [Buffer.from(start), operation.xml, Buffer.from('</rpc>')];
}

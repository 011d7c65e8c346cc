import { CallhomeError, isCallhomeError } from '../errors.js';
import { baseNamespace } from './namespaces.js';
import { createPrologScanner } from './prolog.js';
import { createXmlReader } from './xml.js';

/** One operation, checked: exactly one element, so that it cannot end the `<rpc>` around it. */
export interface Operation {
  readonly name: string;
  /** NETCONF's own when the operation says none. */
  readonly namespace: string;
  /** The element alone, without declaration or comments around it. */
  readonly xml: string;
}

function refuse(why: string, cause?: unknown): CallhomeError {
  return new CallhomeError('CALLHOME_OPERATION_INVALID', { why }, cause);
}

/**
 * Checks a user's operation, such as `<get/>`.
 * @throws CALLHOME_OPERATION_INVALID
 */
export function parseOperation(text: string): Operation {
  // it would be sent as something else than what is checked here
  if (/\p{Surrogate}/u.test(text)) throw refuse('it holds half a surrogate pair');
  const bytes = Buffer.from(text);
  const document = bytes.toString('utf8', createPrologScanner().find(bytes));
  let name = '';
  let namespace = '';
  let end = 0;
  const reader = createXmlReader(
    {
      open(tag, depth) {
        if (depth > 0) return;
        name = tag.local;
        namespace = tag.uri;
      },
      close(depth) {
        if (depth === 0) end = reader.position;
      },
    },
    { defaultNamespace: baseNamespace },
  );
  try {
    reader.write(document);
    reader.end();
  } catch (error) {
    throw isCallhomeError(error, 'CALLHOME_XML') ? refuse(error.facts.why, error) : error;
  }
  if (name === 'rpc')
    throw refuse('give what stands inside <rpc>, such as <get/>: the <rpc> is put around it');
  if (name === 'hello') throw refuse('the <hello> has been sent; give an operation, such as <get/>');
  return { name, namespace, xml: document.slice(0, end) };
}

/** The `<rpc>` message that carries an operation. */
export function rpcMessage(messageId: string, operation: Operation): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<rpc xmlns="${baseNamespace}" message-id="${messageId}">${operation.xml}</rpc>`
  );
}

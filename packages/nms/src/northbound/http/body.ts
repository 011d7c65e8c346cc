import type { IncomingMessage } from 'node:http';
import { CallhomeError } from '@callhome/shared/errors.js';
import { createMessageBuffer } from '@callhome/shared/netconf/message-buffer.js';
import { decodeUtf8 } from '@callhome/shared/text.js';

/**
 * Reads the body of a request or an answer as UTF-8 text; one that announces itself as too large is not waited for.
 * @throws CALLHOME_MESSAGE_TOO_LARGE beyond `maxBytes`, CALLHOME_REQUEST_INVALID for bytes that are not UTF-8
 */
export async function readBody(message: IncomingMessage, maxBytes: number, what: string): Promise<string> {
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) {
    throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', { what, bytes: maxBytes });
  }
  const body = createMessageBuffer(what, maxBytes);
  // not destroyed: the answer to a request that is refused goes over the same socket
  for await (const piece of message.iterator({ destroyOnReturn: false })) body.append(piece);
  try {
    return decodeUtf8(body.bytes());
  } catch (error) {
    throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: `${what} is not UTF-8` }, error);
  }
}

/** The value that `text` is the JSON of; undefined where it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

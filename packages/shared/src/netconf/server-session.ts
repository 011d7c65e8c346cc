import type { Duplex } from 'node:stream';
import { CallhomeError, toError } from '../errors.js';
import { childElements, parseElement, repeatAttributes, type XmlElement } from '../xml/element.js';
import type { Framing } from './framing.js';
import { createClientHelloReader } from './hello.js';
import { createMessageBuffer } from './message-buffer.js';
import { openMessageStream } from './message-stream.js';
import { baseNamespace, isBase } from './namespaces.js';
import { type RpcError, serializeRpcError } from './rpc-error.js';

export interface ServerSessionOptions {
  /** From 1 to 4294967295; no other session of this server may have it. */
  readonly sessionId: number;
  /** All of them, the base capabilities too. */
  readonly capabilities: readonly string[];
  /**
   * Carries out one operation; the next waits for it. The result is what stands in the reply: XML whose default
   * namespace is NETCONF's, such as `<ok/>`, or errors. `<close-session>` does not come here.
   */
  readonly handle: (operation: XmlElement) => Promise<string | readonly RpcError[]>;
  /** What `handle` threw; the client is only told `operation-failed`. */
  readonly onFault: (error: unknown) => void;
  /** Just before our side of the stream ends in order. */
  readonly onEnding?: () => void;
  /** For the peer's hello. */
  readonly helloTimeoutMs?: number;
  /** How long the peer may leave replies unread. */
  readonly stallTimeoutMs?: number;
  /** The largest request. Bytes. */
  readonly maxMessage?: number;
}

/** The server's end of one NETCONF session (RFC 6241). */
export interface ServerSession {
  readonly sessionId: number;
  /** Ends the session at once, as `<kill-session>` does. */
  destroy(reason: Error): void;
  /** Resolves when the session is over, with the reason; `undefined` after `<close-session>`. */
  readonly closed: Promise<Error | undefined>;
}

/** Requests that wait while one is carried out; what a segment brings beyond that is taken, and no more is read. */
const maxPipelined = 64;

/** Of a request: parsing it keeps all others waiting. */
const maxElements = 4000;

/** What is written at once. Bytes. */
const sliceBytes = 64 * 1024;

type Fault = Pick<RpcError, 'type' | 'tag' | 'message'> & { readonly info?: string };

function faults(fault: Fault): readonly RpcError[] {
  return [{ ...fault, severity: 'error' }];
}

const operationFailed = faults({
  type: 'application',
  tag: 'operation-failed',
  message: 'the server could not complete the operation',
});

function replyMessage(attributes: string, content: string | readonly RpcError[]): string {
  const xml = typeof content === 'string' ? content : content.map(serializeRpcError).join('');
  return `<?xml version="1.0" encoding="UTF-8"?><rpc-reply xmlns="${baseNamespace}"${attributes}>${xml}</rpc-reply>`;
}

/** The one operation in an `<rpc>`, or what is wrong with it. */
function operationOf(rpc: XmlElement): XmlElement | readonly RpcError[] {
  if (!rpc.attributes.some(({ name, namespace }) => name === 'message-id' && namespace === '')) {
    return faults({
      type: 'rpc',
      tag: 'missing-attribute',
      message: 'an rpc needs a message-id',
      info: '<bad-attribute>message-id</bad-attribute><bad-element>rpc</bad-element>',
    });
  }
  const [operation, second] = childElements(rpc);
  if (operation === undefined) {
    return faults({ type: 'rpc', tag: 'missing-element', message: 'the rpc holds no operation' });
  }
  if (second !== undefined) {
    const info = `<bad-element>${second.name}</bad-element>`;
    return faults({ type: 'rpc', tag: 'unknown-element', message: 'the rpc holds a second operation', info });
  }
  return operation;
}

/**
 * Serves one session on a fresh stream, which it owns from now on. Says hello at once; a peer that does not is told
 * in `closed` (CALLHOME_HELLO, CALLHOME_HANDSHAKE_TIMEOUT, CALLHOME_FRAMING, CALLHOME_XML).
 */
export function openServerSession(duplex: Duplex, options: ServerSessionOptions): ServerSession {
  const { sessionId, capabilities, handle, onFault } = options;
  const stallTimeoutMs = options.stallTimeoutMs ?? 30_000;
  const maxMessage = options.maxMessage ?? 1024 * 1024;

  let state: 'open' | 'peer ended' | 'ending' | 'closed' = 'open';
  let framing: Framing = 'end-of-message';
  const message = createMessageBuffer('a request', maxMessage);
  const requests: Buffer[] = [];
  let requestBytes = 0;
  let working = false;
  let peerEnd: Error | undefined;
  let endTimer: NodeJS.Timeout | undefined;
  /** Ends the wait for the peer to read its replies. */
  let released: () => void = () => undefined;
  let resolveClosed: (reason: Error | undefined) => void = () => undefined;
  const closed = new Promise<Error | undefined>((resolve) => {
    resolveClosed = resolve;
  });

  const stream = openMessageStream(
    duplex,
    {
      ours: { capabilities, sessionId },
      theirs: createClientHelloReader(),
      timeoutMs: options.helloTimeoutMs ?? 30_000,
    },
    {
      open(_hello, agreed) {
        framing = agreed;
      },
      data(piece) {
        if (state === 'open') message.append(piece);
      },
      end() {
        if (state !== 'open') return;
        const request = message.bytes();
        message.clear();
        requests.push(request);
        requestBytes += request.length;
        if (isBacklogged()) stream.pause();
        if (!working) void work();
      },
      drain: () => released(),
      peerEnded(reason) {
        peerEnd = reason;
        state = 'peer ended';
        if (!working) endInOrder(peerEnd);
      },
      closed(reason) {
        state = 'closed';
        clearTimeout(endTimer);
        released();
        resolveClosed(reason);
      },
    },
  );

  function isBacklogged(): boolean {
    return requestBytes > maxMessage || requests.length > maxPipelined;
  }

  function isServing(): boolean {
    return state === 'open' || state === 'peer ended';
  }

  /** Carries out what was requested, one after the other: replies keep the order of requests. */
  async function work(): Promise<void> {
    working = true;
    try {
      for (let next = requests.shift(); next !== undefined && isServing(); next = requests.shift()) {
        requestBytes -= next.length;
        if (!isBacklogged()) stream.resume();
        await answer(next);
      }
      if (state === 'peer ended') endInOrder(peerEnd);
    } catch (error) {
      stream.close(toError(error));
    } finally {
      working = false;
    }
  }

  async function answer(request: Buffer): Promise<void> {
    let rpc: XmlElement;
    try {
      rpc = parseElement(request, maxElements);
      if (rpc.name !== 'rpc' || !isBase(rpc.namespace)) {
        throw new CallhomeError('CALLHOME_PROTOCOL', {
          why: `<${rpc.name.slice(0, 100)}> where <rpc> is due`,
        });
      }
    } catch (error) {
      // base:1.0 has no error for it (RFC 6241, appendix A)
      if (framing === 'end-of-message') throw error;
      await send('', faults({ type: 'rpc', tag: 'malformed-message', message: 'this is not an rpc' }));
      return;
    }
    const attributes = repeatAttributes(rpc);
    const operation = operationOf(rpc);
    if (!('content' in operation)) {
      await send(attributes, operation);
    } else if (operation.name === 'close-session' && isBase(operation.namespace)) {
      await send(attributes, '<ok/>');
      if (isServing()) endInOrder(undefined);
    } else {
      await send(attributes, await carryOut(operation));
    }
  }

  async function carryOut(operation: XmlElement): Promise<string | readonly RpcError[]> {
    try {
      return await handle(operation);
    } catch (error) {
      onFault(error);
      return operationFailed;
    }
  }

  async function send(attributes: string, content: string | readonly RpcError[]): Promise<void> {
    const bytes = frameReply(attributes, content);
    // in slices: a slow peer is given time as long as it reads at all
    for (let at = 0; at < bytes.length && isServing(); at += sliceBytes) {
      if (!stream.write(bytes.subarray(at, at + sliceBytes))) await readerCatchesUp();
    }
  }

  function frameReply(attributes: string, content: string | readonly RpcError[]): Buffer {
    try {
      return stream.frame(replyMessage(attributes, content));
    } catch (error) {
      // ]]>]]> in a reply without base:1.1
      onFault(error);
      return stream.frame(replyMessage(attributes, operationFailed));
    }
  }

  function readerCatchesUp(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        stream.close(new CallhomeError('CALLHOME_READER_STALLED', { seconds: stallTimeoutMs / 1000 }));
      }, stallTimeoutMs);
      released = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends our side; nothing that still comes is processed. */
  function endInOrder(reason: Error | undefined): void {
    state = 'ending';
    endTimer = setTimeout(() => stream.close(reason), stallTimeoutMs);
    options.onEnding?.();
    stream.end(reason, () => stream.close(reason));
  }

  return { sessionId, destroy: (reason) => stream.close(reason), closed };
}

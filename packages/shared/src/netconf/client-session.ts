import type { Duplex } from 'node:stream';
import { CallhomeError, reasonOf, toError } from '../errors.js';
import type { XmlTag } from '../xml/reader.js';
import type { Framing } from './framing.js';
import { base10, base11, createServerHelloReader, type ServerHello } from './hello.js';
import { createMessageBuffer } from './message-buffer.js';
import { createMessageReader, type MessageReader } from './message-reader.js';
import { openMessageStream } from './message-stream.js';
import { isBase, notificationNamespace } from './namespaces.js';
import type { Operation } from './operation.js';
import {
  createStreamedReply,
  createWholeReply,
  type MessageSink,
  type Reply,
  type ReplySink,
  type ReplyStream,
} from './reply-sink.js';
import { createRequests, type RequestOptions } from './requests.js';
import type { RpcError } from './rpc-error.js';
import { createUselessMessages, type Uselessness } from './useless-messages.js';

export type { Reply, ReplyStream } from './reply-sink.js';
export type { RequestOptions } from './requests.js';

export interface ClientSessionOptions {
  /** For the peer's hello. */
  readonly helloTimeoutMs?: number;
  /** The default for each request. */
  readonly replyTimeoutMs?: number;
  /** How long, in sum, readers of reply streams may hold up a request before the rest of their replies is dropped. */
  readonly stallTimeoutMs?: number;
  /** The largest reply that `request` holds, and the largest notification. Bytes. */
  readonly maxMessage?: number;
  /** Each `<notification>` of the device, whole. What it throws ends the session. */
  readonly onNotification?: (xml: string) => void;
}

/**
 * The client's end of one NETCONF session (RFC 6241). Requests are pipelined and matched by message-id. A device that
 * goes on to send what nobody waits for ends it (CALLHOME_TRAFFIC_USELESS).
 */
export interface ClientSession {
  readonly sessionId: number;
  readonly capabilities: readonly string[];
  readonly framing: Framing;
  /** Sends one operation, such as `<get/>`, and waits for its whole reply. `<rpc-error>`s are data, not exceptions. */
  request(operation: string | Operation, options?: RequestOptions): Promise<Reply>;
  /** Sends one operation; resolves with the first bytes of its reply. */
  stream(operation: string | Operation, options?: RequestOptions): Promise<ReplyStream>;
  /** `<close-session>`, its reply, the end of the stream: resolves when all is over, within the reply timeout. */
  close(): Promise<void>;
  /** Ends the session at once. */
  destroy(reason: Error): void;
  /** Resolves when the session is over, with the reason; `undefined` after an orderly close. */
  readonly closed: Promise<Error | undefined>;
}

const capabilities = [base10, base11];

/**
 * Says hello on a fresh stream, which the session owns from now on.
 * @throws CALLHOME_HELLO, CALLHOME_HANDSHAKE_TIMEOUT, CALLHOME_PEER_CLOSED, CALLHOME_FRAMING, CALLHOME_XML,
 * CALLHOME_MESSAGE_TOO_LARGE
 */
export function openClientSession(
  duplex: Duplex,
  options: ClientSessionOptions = {},
): Promise<ClientSession> {
  const replyTimeoutMs = options.replyTimeoutMs ?? 60_000;
  const maxMessage = options.maxMessage ?? 16 * 1024 * 1024;
  const { onNotification } = options;

  let state: 'hello' | 'open' | 'closing' | 'closed' = 'hello';
  let closeTimer: NodeJS.Timeout | undefined;
  let arriving: 'nothing' | 'skipped' | MessageReader = 'nothing';
  let sink: MessageSink | undefined;
  const useless = createUselessMessages();

  let resolveSession: (session: ClientSession) => void = () => undefined;
  let rejectSession: (reason: Error) => void = () => undefined;
  const opened = new Promise<ClientSession>((resolve, reject) => {
    resolveSession = resolve;
    rejectSession = reject;
  });
  let resolveClosed: (reason: Error | undefined) => void = () => undefined;
  const closed = new Promise<Error | undefined>((resolve) => {
    resolveClosed = resolve;
  });

  const stream = openMessageStream(
    duplex,
    {
      ours: { capabilities },
      theirs: createServerHelloReader(),
      timeoutMs: options.helloTimeoutMs ?? 30_000,
    },
    {
      open(hello, framing) {
        state = 'open';
        resolveSession(sessionOf(hello, framing));
      },
      data: onMessageData,
      end: onMessageEnd,
      drain: () => requests.drain(),
      peerEnded(reason) {
        stream.close(state === 'closing' ? undefined : reason);
      },
      closed: onClosed,
    },
  );

  const requests = createRequests(stream, {
    replyTimeoutMs,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
  });

  function onClosed(reason: Error | undefined): void {
    const why = reason === undefined ? 'it was closed in order' : reasonOf(reason);
    const error = new CallhomeError('CALLHOME_SESSION_CLOSED', { why }, reason);
    state = 'closed';
    clearTimeout(closeTimer);
    requests.failAll(error);
    rejectSession(reason ?? error);
    resolveClosed(reason);
  }

  function notificationSink(notify: (xml: string) => void): MessageSink {
    const buffer = createMessageBuffer('a notification', maxMessage);
    return {
      data(piece) {
        buffer.append(piece);
        return 'go on';
      },
      end: () => notify(buffer.bytes().toString()),
      // nobody waits for it: one that is too large or malformed is dropped
      fail() {},
    };
  }

  function sinkOf(root: XmlTag): MessageSink | Uselessness {
    if (root.local === 'rpc-reply' && isBase(root.uri)) {
      return requests.reply(root.attributes['message-id']?.value ?? '');
    }
    if (root.local === 'notification' && root.uri === notificationNamespace) {
      return onNotification === undefined ? 'stray' : notificationSink(onNotification);
    }
    throw new CallhomeError('CALLHOME_PROTOCOL', { why: `the device sent <${root.local.slice(0, 100)}>` });
  }

  function skipRest(why: Uselessness): void {
    arriving = 'skipped';
    sink = undefined;
    useless.begin(why);
  }

  /** The framing is intact, so bad XML spoils only the message that it is in, if we know which that is. */
  function spoil(error: unknown): void {
    if (sink === undefined) throw error;
    sink.fail(toError(error));
    skipRest('given up');
  }

  function startMessage(): MessageReader {
    return createMessageReader({
      root(tag) {
        const found = sinkOf(tag);
        if (typeof found === 'string') {
          skipRest(found);
          return 'skip';
        }
        sink = found;
        return 'read';
      },
      data(piece) {
        if (sink?.data(piece) === 'over') skipRest('given up');
      },
    });
  }

  function onMessageData(piece: Buffer): void {
    if (arriving === 'nothing') arriving = startMessage();
    if (arriving !== 'skipped') {
      try {
        arriving.write(piece);
      } catch (error) {
        spoil(error);
      }
    }
    if (isSkipping()) useless.data(piece.length);
  }

  function isSkipping(): boolean {
    return arriving === 'skipped';
  }

  function onMessageEnd(): void {
    if (arriving === 'nothing') {
      throw new CallhomeError('CALLHOME_PROTOCOL', { why: 'the device sent an empty message' });
    }
    if (arriving !== 'skipped') finishMessage(arriving);
    arriving = 'nothing';
    sink = undefined;
  }

  function finishMessage(reader: MessageReader): void {
    let errors: readonly RpcError[];
    try {
      errors = reader.end();
    } catch (error) {
      spoil(error);
      return;
    }
    sink?.end(errors);
  }

  function send(operation: string | Operation, reply: ReplySink, requestOptions?: RequestOptions): void {
    if (state === 'open') requests.send(operation, reply, requestOptions);
    else reply.fail(new CallhomeError('CALLHOME_SESSION_CLOSED', { why: `it is ${state}` }));
  }

  function closeInOrder(): void {
    closeTimer = setTimeout(() => {
      stream.close(new CallhomeError('CALLHOME_REPLY_TIMEOUT', { seconds: replyTimeoutMs / 1000 }));
    }, replyTimeoutMs);
    const end = () => stream.end(undefined);
    send('<close-session/>', { begin() {}, data: () => 'go on', end, fail: end });
    state = 'closing';
  }

  function sessionOf(hello: ServerHello, framing: Framing): ClientSession {
    return {
      sessionId: hello.sessionId,
      capabilities: hello.capabilities,
      framing,
      request: (operation, requestOptions) =>
        new Promise<Reply>((resolve, reject) => {
          send(operation, createWholeReply(maxMessage, resolve, reject), requestOptions);
        }),
      stream: (operation, requestOptions) =>
        new Promise<ReplyStream>((resolve, reject) => {
          send(operation, createStreamedReply(resolve, reject), requestOptions);
        }),
      async close() {
        if (state === 'open') closeInOrder();
        await closed;
      },
      destroy: (reason) => stream.close(reason),
      closed,
    };
  }

  return opened;
}

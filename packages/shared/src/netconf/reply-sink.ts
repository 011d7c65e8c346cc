import { Readable } from 'node:stream';
import { createMessageBuffer } from './message-buffer.js';
import type { RpcError } from './rpc-error.js';

/** A whole `<rpc-reply>`, held in memory. */
export interface Reply {
  /** The reply's XML, from `<rpc-reply` to `</rpc-reply>`. */
  readonly xml: string;
  /** Warnings too; see `RpcError.severity`. */
  readonly errors: readonly RpcError[];
}

/** A reply that is passed on while it arrives. */
export interface ReplyStream {
  /** The bytes of the reply, from `<rpc-reply` to `</rpc-reply>`; ends with the message, is destroyed if the session ends first. */
  readonly body: Readable;
  /** Resolves when the reply is complete, with the errors found in it; rejects when `body` is destroyed. */
  readonly errors: Promise<readonly RpcError[]>;
}

/** What a reply's reader tells the session. */
export interface ReplyReader {
  /** It takes more, after a `data` that found it full. */
  takesMore(): void;
  /** It does not want the rest. */
  gaveUp(error: Error): void;
}

/** Where one message goes: `data` and then `end` or, at any time, `fail`. */
export interface MessageSink {
  /** @throws CALLHOME_MESSAGE_TOO_LARGE */
  data(piece: Buffer): 'go on' | 'full' | 'over';
  end(errors: readonly RpcError[]): void;
  fail(error: Error): void;
}

/** Where one reply goes. */
export interface ReplySink extends MessageSink {
  /** Comes first. */
  begin(reader: ReplyReader): void;
}

/** @param max in bytes */
export function createWholeReply(
  max: number,
  resolve: (reply: Reply) => void,
  reject: (error: Error) => void,
): ReplySink {
  const buffer = createMessageBuffer('the reply', max);
  return {
    begin() {},
    data(piece) {
      buffer.append(piece);
      return 'go on';
    },
    end(errors) {
      resolve({ xml: buffer.bytes().toString(), errors });
    },
    fail: reject,
  };
}

/** A stream's reader may look at one of its two ends only: the other must not become an unhandled failure. */
function handledElsewhere(): void {}

export function createStreamedReply(
  resolve: (reply: ReplyStream) => void,
  reject: (error: Error) => void,
): ReplySink {
  let body: Readable | undefined;
  let resolveErrors: (errors: readonly RpcError[]) => void = handledElsewhere;
  let rejectErrors: (error: Error) => void = reject;
  return {
    begin(reader) {
      body = new Readable({
        read: () => reader.takesMore(),
        destroy(error, done) {
          reader.gaveUp(error ?? new DOMException('the rest of the reply is not wanted', 'AbortError'));
          done(error);
        },
      });
      body.on('error', handledElsewhere);
      const errors = new Promise<readonly RpcError[]>((resolvePromise, rejectPromise) => {
        resolveErrors = resolvePromise;
        rejectErrors = rejectPromise;
      });
      errors.catch(handledElsewhere);
      resolve({ body, errors });
    },
    data: (piece) => (body?.push(piece) === false ? 'full' : 'go on'),
    end(errors) {
      resolveErrors(errors);
      body?.push(null);
    },
    fail(error) {
      rejectErrors(error);
      body?.destroy(error);
    },
  };
}

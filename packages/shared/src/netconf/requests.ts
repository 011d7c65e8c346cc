import { CallhomeError } from '../errors.js';
import type { MessageStream } from './message-stream.js';
import { type Operation, parseOperation, rpcMessage } from './operation.js';
import type { MessageSink, ReplySink } from './reply-sink.js';

export interface RequestOptions {
  /** From sending the request to the first byte of its reply, and between two pieces of it. Milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** The requests of one session that are under way: a bounded queue to the stream, a deadline for each reply. */
export interface Requests {
  /** Sends an operation as soon as the stream takes it. All that goes wrong is told to `sink.fail`. */
  send(operation: string | Operation, sink: ReplySink, options?: RequestOptions): void;
  /** The stream takes more. */
  drain(): void;
  /** What takes the reply that begins now; `undefined` when nobody waits for it (any more). */
  reply(messageId: string): MessageSink | undefined;
  failAll(error: Error): void;
}

export interface RequestLimits {
  /** The default for each reply. Milliseconds. */
  readonly replyTimeout: number;
  /** For the reader of a reply. Milliseconds. */
  readonly stallTimeout: number;
}

/** Requests that wait until the stream takes them. Bytes. */
const maxQueued = 32 * 1024 * 1024;
/** What a timer can wait. Milliseconds. */
const maxTimeout = 2 ** 31 - 1;

/** One request and its reply. */
interface Exchange {
  /** The message-id. */
  readonly id: string;
  readonly sink: ReplySink;
  readonly timeout: number;
  state: 'queued' | 'sent' | 'replying' | 'reader full' | 'over';
  /** For the reply or, while the reader is full, for the reader. */
  timer: NodeJS.Timeout;
  /** Stops listening to the caller's signal. */
  readonly forgetSignal: () => void;
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

export function createRequests(stream: MessageStream, limits: RequestLimits): Requests {
  const { replyTimeout, stallTimeout } = limits;
  let nextId = 1;
  /** By message-id. Ids are never used again: a late or repeated reply finds nothing. */
  const exchanges = new Map<string, Exchange>();
  const queue: { readonly exchange: Exchange; readonly bytes: Buffer }[] = [];
  let queuedBytes = 0;
  let writable = true;

  function enqueue(operation: string | Operation, sink: ReplySink, options: RequestOptions): void {
    const { signal } = options;
    signal?.throwIfAborted();
    const id = String(nextId++);
    const bytes = stream.frame(
      rpcMessage(id, typeof operation === 'string' ? parseOperation(operation) : operation),
    );
    if (queuedBytes + bytes.length > maxQueued) {
      const what = 'the queue of requests';
      throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', { what, bytes: maxQueued });
    }
    const timeout = Math.min(options.timeout ?? replyTimeout, maxTimeout);
    const onAbort = () => fail(exchange, toError(signal?.reason));
    const exchange: Exchange = {
      id,
      sink,
      timeout,
      state: 'queued',
      timer: setTimeout(() => failForSilence(exchange), timeout),
      forgetSignal: () => signal?.removeEventListener('abort', onAbort),
    };
    signal?.addEventListener('abort', onAbort);
    exchanges.set(id, exchange);
    queue.push({ exchange, bytes });
    queuedBytes += bytes.length;
  }

  function writeQueued(): void {
    while (writable) {
      const next = queue.shift();
      if (next === undefined) return;
      queuedBytes -= next.bytes.length;
      if (next.exchange.state !== 'queued') continue;
      next.exchange.state = 'sent';
      next.exchange.timer.refresh();
      writable = stream.write(next.bytes);
    }
  }

  function failForSilence(exchange: Exchange): void {
    fail(exchange, new CallhomeError('CALLHOME_REPLY_TIMEOUT', { seconds: exchange.timeout / 1000 }));
  }

  function settle(exchange: Exchange): void {
    if (exchange.state === 'reader full') stream.resume();
    exchange.state = 'over';
    clearTimeout(exchange.timer);
    exchange.forgetSignal();
    exchanges.delete(exchange.id);
  }

  function fail(exchange: Exchange, error: Error): void {
    if (exchange.state === 'over') return;
    settle(exchange);
    exchange.sink.fail(error);
  }

  function waitForReader(exchange: Exchange): void {
    exchange.state = 'reader full';
    stream.pause();
    clearTimeout(exchange.timer);
    exchange.timer = setTimeout(() => {
      fail(exchange, new CallhomeError('CALLHOME_READER_STALLED', { seconds: stallTimeout / 1000 }));
    }, stallTimeout);
  }

  function begin(exchange: Exchange): MessageSink {
    exchange.state = 'replying';
    exchange.sink.begin({
      takesMore() {
        if (exchange.state !== 'reader full') return;
        exchange.state = 'replying';
        clearTimeout(exchange.timer);
        exchange.timer = setTimeout(() => failForSilence(exchange), exchange.timeout);
        stream.resume();
      },
      gaveUp: (error) => fail(exchange, error),
    });
    return {
      data(piece) {
        if (exchange.state === 'over') return 'over';
        const outcome = exchange.sink.data(piece);
        if (exchange.state === 'replying') {
          if (outcome === 'full') waitForReader(exchange);
          else exchange.timer.refresh();
        }
        return outcome;
      },
      end(errors) {
        if (exchange.state === 'over') return;
        settle(exchange);
        exchange.sink.end(errors);
      },
      fail: (error) => fail(exchange, error),
    };
  }

  return {
    send(operation, sink, options = {}) {
      try {
        enqueue(operation, sink, options);
        writeQueued();
      } catch (error) {
        sink.fail(toError(error));
      }
    },
    drain() {
      writable = true;
      writeQueued();
    },
    reply(messageId) {
      const exchange = exchanges.get(messageId);
      return exchange?.state === 'sent' ? begin(exchange) : undefined;
    },
    failAll(error) {
      for (const exchange of [...exchanges.values()]) fail(exchange, error);
    },
  };
}

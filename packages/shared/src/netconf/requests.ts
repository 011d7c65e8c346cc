import { CallhomeError, isCallhomeError } from '../errors.js';
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
  /** How long, in sum, the reader of a reply may hold up other requests. Milliseconds. */
  readonly stallTimeout: number;
}

/** Requests that wait until the stream takes them. Bytes. */
const maxQueued = 32 * 1024 * 1024;
/** How long a reader may leave a reply unread while nobody else waits, such as a person with a pager. Milliseconds. */
const maxLeisure = 600_000;
/** What a timer can wait. Milliseconds. */
const maxTimeout = 2 ** 31 - 1;

/** One request and its reply. */
interface Exchange {
  /** The message-id. */
  readonly id: string;
  readonly sink: ReplySink;
  readonly timeout: number;
  state: 'queued' | 'sent' | 'replying' | 'reader full' | 'over';
  /** For the reply or, while the reader is full, for the reader; none for the others meanwhile. */
  timer: NodeJS.Timeout | undefined;
  /** How long its reader has held up others so far, and since when it does so now. Milliseconds. */
  heldUp: number;
  holdingUpSince: number | undefined;
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
  /** The exchange whose reader the session is paused for. */
  let reader: Exchange | undefined;

  function frameOperation(id: string, operation: string | Operation): Buffer {
    const checked = typeof operation === 'string' ? parseOperation(operation) : operation;
    try {
      return stream.frame(rpcMessage(id, checked));
    } catch (error) {
      // the fault is in what the caller gave, not in the session
      if (!isCallhomeError(error, 'CALLHOME_FRAMING')) throw error;
      throw new CallhomeError('CALLHOME_OPERATION_INVALID', { why: error.facts.why }, error);
    }
  }

  function enqueue(operation: string | Operation, sink: ReplySink, options: RequestOptions): void {
    const { signal } = options;
    signal?.throwIfAborted();
    const id = String(nextId++);
    const bytes = frameOperation(id, operation);
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
      timer: undefined,
      heldUp: 0,
      holdingUpSince: undefined,
      forgetSignal: () => signal?.removeEventListener('abort', onAbort),
    };
    signal?.addEventListener('abort', onAbort);
    exchanges.set(id, exchange);
    startClock(exchange);
    if (reader !== undefined) limitReader(reader);
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
      startClock(next.exchange);
      writable = stream.write(next.bytes);
    }
  }

  function failForSilence(exchange: Exchange): void {
    fail(exchange, new CallhomeError('CALLHOME_REPLY_TIMEOUT', { seconds: exchange.timeout / 1000 }));
  }

  /** The clock of a request stands still while the session is paused for somebody else's reader. */
  function startClock(exchange: Exchange): void {
    clearTimeout(exchange.timer);
    if (reader === undefined) exchange.timer = setTimeout(() => failForSilence(exchange), exchange.timeout);
  }

  function settle(exchange: Exchange): void {
    if (exchange === reader) releaseSession(exchange);
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
    reader = exchange;
    stream.pause();
    for (const other of exchanges.values()) clearTimeout(other.timer);
    limitReader(exchange);
  }

  /** A reader may take its time until others wait, and then what is left of the time that it may hold them up. */
  function limitReader(exchange: Exchange): void {
    if (exchange.holdingUpSince !== undefined) return;
    const othersWait = exchanges.size > 1;
    if (othersWait) exchange.holdingUpSince = performance.now();
    const limit = othersWait ? Math.max(0, stallTimeout - exchange.heldUp) : maxLeisure;
    clearTimeout(exchange.timer);
    exchange.timer = setTimeout(() => {
      fail(exchange, new CallhomeError('CALLHOME_READER_STALLED', { seconds: limit / 1000 }));
    }, limit);
  }

  function releaseSession(exchange: Exchange): void {
    if (exchange.holdingUpSince !== undefined) exchange.heldUp += performance.now() - exchange.holdingUpSince;
    exchange.holdingUpSince = undefined;
    exchange.state = 'replying';
    reader = undefined;
    for (const each of exchanges.values()) startClock(each);
    stream.resume();
  }

  function begin(exchange: Exchange): MessageSink {
    exchange.state = 'replying';
    exchange.sink.begin({
      takesMore() {
        if (exchange === reader) releaseSession(exchange);
      },
      gaveUp: (error) => fail(exchange, error),
    });
    return {
      data(piece) {
        if (exchange.state === 'over') return 'over';
        const outcome = exchange.sink.data(piece);
        if (exchange.state === 'replying') {
          if (outcome === 'full') waitForReader(exchange);
          else exchange.timer?.refresh();
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

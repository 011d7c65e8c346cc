import { CallhomeError, isCallhomeError, toError } from '../errors.js';
import type { MessageStream } from './message-stream.js';
import { type Operation, parseOperation, rpcMessage } from './operation.js';
import type { MessageSink, ReplySink } from './reply-sink.js';
import type { Uselessness } from './useless-messages.js';

export interface RequestOptions {
  /** From the request to the first byte of its reply, whatever holds it up, and between two pieces of it. */
  readonly timeoutMs?: number;
  /** How long the caller has waited already: so much less is left for the first byte. */
  readonly waitedMs?: number;
  readonly signal?: AbortSignal;
  /** The stream has taken the request, which is held no longer; not called for one that is given up before. */
  readonly onTaken?: () => void;
}

/** The requests of one session that are under way: a bounded queue to the stream, a deadline for each reply. */
export interface Requests {
  /** Sends an operation as soon as the stream takes it. All that goes wrong is told to `sink.fail`. */
  send(operation: string | Operation, sink: ReplySink, options?: RequestOptions): void;
  /** The stream takes more. */
  drain(): void;
  /** What takes the reply that begins now, or why nobody does. */
  reply(messageId: string): MessageSink | Uselessness;
  failAll(error: Error): void;
}

export interface RequestLimits {
  /** The default for each reply. */
  readonly replyTimeoutMs: number;
  /** How long, in sum, readers of replies may hold up one other request. */
  readonly stallTimeoutMs: number;
}

/** Requests that wait until the stream takes them. Bytes. */
const maxQueued = 32 * 1024 * 1024;
/** How long a reader may leave a reply unread while nobody else waits, such as a person with a pager. */
const maxLeisureMs = 600_000;
/** Requests whose replies are known to be late; of others a late reply is a stray one. */
const maxGivenUp = 1000;
/** What a timer can wait. */
const maxTimeoutMs = 2 ** 31 - 1;

/** One request and its reply. */
interface Exchange {
  /** The message-id. */
  readonly id: string;
  readonly sink: ReplySink;
  readonly timeoutMs: number;
  /** Before it came here. */
  readonly waitedMs: number;
  readonly onTaken: () => void;
  state: 'queued' | 'sent' | 'replying' | 'reader full' | 'over';
  /** For the reply or, while the reader is full, for the reader. */
  timer: NodeJS.Timeout | undefined;
  /** How long the session had stood still for readers when the request came. */
  readonly heldUpBeforeMs: number;
  /** How long its own reader has held up others. */
  holdsUpMs: number;
  /** Stops listening to the caller's signal. */
  readonly forgetSignal: () => void;
}

export function createRequests(stream: MessageStream, limits: RequestLimits): Requests {
  const { replyTimeoutMs, stallTimeoutMs } = limits;
  /** What each reader may hold up others that other readers have held up for long enough. */
  const leastPatienceMs = stallTimeoutMs / 30;
  let nextId = 1;
  /** By message-id. Ids are never used again: a late or repeated reply finds nothing. */
  const exchanges = new Map<string, Exchange>();
  const queue: { readonly exchange: Exchange; readonly bytes: Buffer }[] = [];
  let queuedBytes = 0;
  let writable = true;
  /** The exchange whose reader the session is paused for, and since when. */
  let reader: Exchange | undefined;
  let pausedAt = 0;
  /** How long the session had stood still for readers before that. */
  let heldUpMs = 0;
  /** The message-ids of requests that were sent and given up: one late reply to each is in order. */
  const givenUp = new Set<string>();

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
    const timeoutMs = Math.min(options.timeoutMs ?? replyTimeoutMs, maxTimeoutMs);
    const onAbort = () => fail(exchange, toError(signal?.reason));
    const exchange: Exchange = {
      id,
      sink,
      timeoutMs,
      waitedMs: options.waitedMs ?? 0,
      onTaken: options.onTaken ?? (() => undefined),
      state: 'queued',
      timer: undefined,
      heldUpBeforeMs: heldUpNowMs(),
      holdsUpMs: 0,
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
      next.exchange.state = 'sent';
      writable = stream.write(next.bytes, next.exchange.onTaken);
    }
  }

  function failForSilence(exchange: Exchange): void {
    const seconds = exchange.timeoutMs / 1000;
    const heldUpSeconds = Math.round((heldUpNowMs() - exchange.heldUpBeforeMs) / 100) / 10;
    const facts = heldUpSeconds > 0 ? { seconds, heldUp: heldUpSeconds } : { seconds };
    fail(exchange, new CallhomeError('CALLHOME_REPLY_TIMEOUT', facts));
  }

  function startClock(exchange: Exchange): void {
    clearTimeout(exchange.timer);
    const waitedMs = exchange.state === 'queued' ? exchange.waitedMs : 0;
    exchange.timer = setTimeout(() => failForSilence(exchange), Math.max(0, exchange.timeoutMs - waitedMs));
  }

  function settle(exchange: Exchange): void {
    if (exchange === reader) releaseSession(exchange);
    exchange.state = 'over';
    clearTimeout(exchange.timer);
    exchange.forgetSignal();
    exchanges.delete(exchange.id);
  }

  function dropQueued(exchange: Exchange): void {
    const at = queue.findIndex((entry) => entry.exchange === exchange);
    const [dropped] = at < 0 ? [] : queue.splice(at, 1);
    queuedBytes -= dropped?.bytes.length ?? 0;
  }

  /** Keeps in mind that the device will answer it all the same. */
  function giveUp(id: string): void {
    givenUp.add(id);
    if (givenUp.size <= maxGivenUp) return;
    const [oldest = ''] = givenUp;
    givenUp.delete(oldest);
  }

  function fail(exchange: Exchange, error: Error): void {
    if (exchange.state === 'over') return;
    if (exchange.state === 'queued') dropQueued(exchange);
    if (exchange.state === 'sent') giveUp(exchange.id);
    settle(exchange);
    exchange.sink.fail(error);
  }

  function heldUpNowMs(): number {
    return reader === undefined ? heldUpMs : heldUpMs + performance.now() - pausedAt;
  }

  /** The request that has waited longest for the session to go on. */
  function firstOther(exchange: Exchange): Exchange | undefined {
    for (const other of exchanges.values()) if (other !== exchange) return other;
    return undefined;
  }

  /** How long others have waited for the pause that is on. */
  function holdsUpNowMs(other: Exchange): number {
    return heldUpNowMs() - Math.max(heldUpMs, other.heldUpBeforeMs);
  }

  function waitForReader(exchange: Exchange): void {
    exchange.state = 'reader full';
    reader = exchange;
    pausedAt = performance.now();
    stream.pause();
    limitReader(exchange);
  }

  /** A reader may take its time until others wait, and then what is left of the time that these may be held up. */
  function limitReader(exchange: Exchange): void {
    clearTimeout(exchange.timer);
    const left = patienceMsWith(exchange);
    exchange.timer = setTimeout(
      () => {
        // those who waited may have gone meanwhile
        if (patienceMsWith(exchange) > 0) limitReader(exchange);
        else failForReader(exchange);
      },
      Math.ceil(Math.max(0, left)),
    );
  }

  function patienceMsWith(exchange: Exchange): number {
    const other = firstOther(exchange);
    if (other === undefined) return maxLeisureMs - (performance.now() - pausedAt);
    const own = leastPatienceMs - exchange.holdsUpMs - holdsUpNowMs(other);
    return Math.max(own, stallTimeoutMs - (heldUpNowMs() - other.heldUpBeforeMs));
  }

  function failForReader(exchange: Exchange): void {
    const seconds = Math.round((performance.now() - pausedAt) / 100) / 10;
    fail(exchange, new CallhomeError('CALLHOME_READER_STALLED', { seconds }));
  }

  function releaseSession(exchange: Exchange): void {
    const other = firstOther(exchange);
    if (other !== undefined) exchange.holdsUpMs += holdsUpNowMs(other);
    heldUpMs = heldUpNowMs();
    exchange.state = 'replying';
    reader = undefined;
    startClock(exchange);
    stream.resume();
  }

  function begin(exchange: Exchange): MessageSink {
    exchange.state = 'replying';
    // What was waited before counts no more.
    if (exchange.waitedMs > 0) startClock(exchange);
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
      if (exchange?.state === 'sent') return begin(exchange);
      return givenUp.delete(messageId) ? 'given up' : 'stray';
    },
    failAll(error) {
      for (const exchange of [...exchanges.values()]) fail(exchange, error);
    },
  };
}

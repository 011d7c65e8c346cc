import type { Duplex } from 'node:stream';
import { CallhomeError, toError } from '../errors.js';
import { inTurn, share, slice } from '../turns.js';
import { createDeframer, type Framing, frameMessage } from './framing.js';
import { agreeFraming, type ClientHello, type HelloReader, helloMessage, type ServerHello } from './hello.js';

/** What happens on a message stream. Nothing is called after `closed`. */
export interface MessageStreamHandlers<H> {
  /** The peer's hello was accepted. */
  open(hello: H, framing: Framing): void;
  /** A piece of a message after the hello; not a copy. */
  data(piece: Buffer): void;
  /** That message is complete. */
  end(): void;
  /** After a `write` that returned false: the stream takes more. */
  drain(): void;
  /** The peer will send no more. */
  peerEnded(reason: Error): void;
  /** It is over, with the reason that was given to `close` or that came from outside. */
  closed(reason: Error | undefined): void;
}

/** NETCONF messages on a duplex: hello, framing, and one end. */
export interface MessageStream {
  /** The bytes of one message. @throws CALLHOME_FRAMING when the agreed framing cannot carry it */
  frame(message: string | readonly Buffer[]): Buffer;
  /** Writes framed bytes. False: wait for `drain` before the next. `taken` is called when it holds them no longer. */
  write(bytes: Buffer, taken?: () => void): boolean;
  pause(): void;
  resume(): void;
  /** Ends our side in order, for this reason, however it then ends; `flushed` is called when all is handed over. */
  end(reason: Error | undefined, flushed?: () => void): void;
  /** Ends all at once. */
  close(reason: Error | undefined): void;
}

export interface HelloExchange<H> {
  readonly ours: ClientHello | ServerHello;
  readonly theirs: HelloReader<H>;
  readonly timeoutMs: number;
}

/** Sends our hello at once and reads the peer's (RFC 6241 §8.1). */
export function openMessageStream<H extends ClientHello>(
  duplex: Duplex,
  hello: HelloExchange<H>,
  handlers: MessageStreamHandlers<H>,
): MessageStream {
  let state: 'hello' | 'open' | 'ending' | 'closed' = 'hello';
  let framing: Framing = 'end-of-message';
  let endReason: Error | undefined;
  /** Whether the reader of the messages wants no more for now. */
  let paused = false;
  /** Whether the duplex stands still until its turn comes. */
  let waiting = false;

  const deframer = createDeframer({
    data(piece) {
      if (state === 'hello') hello.theirs.write(piece);
      else if (state !== 'closed') handlers.data(piece);
    },
    end() {
      if (state === 'hello') acceptHello(hello.theirs.end());
      else if (state !== 'closed') handlers.end();
    },
  });

  function acceptHello(theirs: H): void {
    framing = agreeFraming(hello.ours.capabilities, theirs.capabilities);
    deframer.use(framing);
    clearTimeout(timer);
    state = 'open';
    handlers.open(theirs, framing);
  }

  /** Works through what has arrived in turns with all others, and no further than it is wanted. */
  function onData(segment: Buffer): void {
    const shareEnds = performance.now() + share;
    let at = 0;
    try {
      do {
        deframer.push(segment.subarray(at, at + slice));
        at += slice;
      } while (at < segment.length && !paused && !isClosed() && performance.now() < shareEnds);
    } catch (error) {
      close(toError(error));
    }
    if (isClosed()) return;
    if (performance.now() >= shareEnds) waitForTurn();
    if (at < segment.length) {
      duplex.pause();
      duplex.unshift(segment.subarray(at));
    }
  }

  function waitForTurn(): void {
    waiting = true;
    duplex.pause();
    inTurn(() => {
      waiting = false;
      if (!paused && !isClosed()) duplex.resume();
    });
  }

  function onPeerEnd(): void {
    const when = state === 'hello' ? 'before its NETCONF hello' : 'during the NETCONF session';
    const reason = new CallhomeError('CALLHOME_PEER_CLOSED', { when });
    if (state === 'open') handlers.peerEnded(reason);
    else close(state === 'ending' ? endReason : reason);
  }

  function onClose(): void {
    const reason = new CallhomeError('CALLHOME_PEER_CLOSED', { when: 'during the NETCONF session' });
    if (state === 'hello') onPeerEnd();
    else close(state === 'ending' ? endReason : reason);
  }

  function onError(error: Error): void {
    close(state === 'ending' ? endReason : error);
  }

  function isClosed(): boolean {
    return state === 'closed';
  }

  function close(reason: Error | undefined): void {
    if (isClosed()) return;
    state = 'closed';
    clearTimeout(timer);
    duplex.off('data', onData).off('end', onPeerEnd).off('close', onClose).off('drain', handlers.drain);
    // the listener for errors stays: a stream may fail once more while it is torn down
    duplex.destroy();
    handlers.closed(reason);
  }

  const timer = setTimeout(() => {
    close(
      new CallhomeError('CALLHOME_HANDSHAKE_TIMEOUT', {
        stage: 'NETCONF hello',
        seconds: hello.timeoutMs / 1000,
      }),
    );
  }, hello.timeoutMs);

  duplex.on('error', onError);
  if (duplex.destroyed || duplex.readableEnded) {
    // its events have been: nothing would tell
    queueMicrotask(onClose);
  } else {
    duplex.on('data', onData).on('end', onPeerEnd).on('close', onClose).on('drain', handlers.drain);
    duplex.write(frameMessage(helloMessage(hello.ours), framing));
  }

  return {
    frame: (message) => frameMessage(message, framing),
    write: (bytes, taken) => duplex.write(bytes, taken),
    pause() {
      paused = true;
      duplex.pause();
    },
    resume() {
      paused = false;
      if (!waiting && !isClosed()) duplex.resume();
    },
    end(reason, flushed) {
      if (state === 'closed') return;
      state = 'ending';
      endReason = reason;
      duplex.end(flushed);
    },
    close,
  };
}

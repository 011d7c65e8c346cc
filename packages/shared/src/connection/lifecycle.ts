import type { Socket } from 'node:net';
import { deferred } from '../deferred.js';
import { CallhomeError } from '../errors.js';

/** One connection from its socket to its one end. */
export interface Lifecycle {
  readonly stage: 'opening' | 'open' | 'ended';
  /** Goes on to another phase of the opening, by its name for people; false when the connection has ended meanwhile. */
  enter(phase: string): boolean;
  /**
   * Both ends have let each other in: stops the clock of the opening. False when the connection has ended meanwhile.
   * @param farewell what the transport says before an end in order
   */
  open(farewell: () => void): boolean;
  /** Ends it, for the reason of whoever comes first: what was written is sent, and the socket is gone in a second. */
  end(reason: CallhomeError): void;
  /** Ends it at once: for a peer that has vanished or does not read. */
  cut(reason: CallhomeError): void;
  /** Resolves, once, with the reason. */
  readonly ended: Promise<CallhomeError>;
}

/** For the peer to take what was written and to close its side. */
const closeTimeoutMs = 1000;

/** Closes a socket by a reset: with a FIN the kernel would go on for minutes to reach a peer that has vanished. */
function reset(socket: Socket): void {
  const shutting = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
  // Node cannot reset in the middle of a shutdown, and would leave the socket open.
  if (shutting) socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * Watches over a connected socket, which it owns from now on.
 * @param openingTimeoutSeconds from now until `open`
 */
export function watchLifecycle(socket: Socket, openingTimeoutSeconds: number): Lifecycle {
  const ended = deferred<CallhomeError>();
  let stage: Lifecycle['stage'] = 'opening';
  let phase = 'opening';
  let sayFarewell: () => void = () => undefined;
  const limit = setTimeout(() => {
    cut(new CallhomeError('CALLHOME_HANDSHAKE_TIMEOUT', { seconds: openingTimeoutSeconds, stage: phase }));
  }, openingTimeoutSeconds * 1000);

  function finish(reason: CallhomeError): boolean {
    if (stage === 'ended') return false;
    stage = 'ended';
    clearTimeout(limit);
    ended.resolve(reason);
    return true;
  }
  function cut(reason: CallhomeError): void {
    finish(reason);
    reset(socket);
  }
  function end(reason: CallhomeError): void {
    if (!finish(reason)) return;
    sayFarewell();
    const force = setTimeout(() => reset(socket), closeTimeoutMs);
    socket.once('close', () => clearTimeout(force));
    socket.end();
  }
  socket.on('error', (error) =>
    cut(new CallhomeError('CALLHOME_CONNECTION_LOST', { why: error.message }, error)),
  );
  socket.once('close', () => {
    const when = stage === 'open' ? '' : `during the ${phase}`;
    finish(new CallhomeError('CALLHOME_PEER_CLOSED', { when }));
  });
  return {
    get stage() {
      return stage;
    },
    enter(next) {
      if (stage === 'ended') return false;
      phase = next;
      return true;
    },
    open(farewell) {
      if (stage === 'ended') return false;
      stage = 'open';
      sayFarewell = farewell;
      clearTimeout(limit);
      return true;
    },
    end,
    cut,
    ended: ended.promise,
  };
}

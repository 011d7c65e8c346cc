import type { Socket } from 'node:net';
import type { SessionHandler, SessionStream } from '@callhome/shared/connection/connection.js';
import type { Linger } from './linger.js';

/** The NETCONF sessions of one connection. */
export interface Sessions {
  /** Those that are not over. */
  readonly open: number;
  /** All that there have been. */
  readonly total: number;
  /** When the last piece of a message passed; undefined as long as there was none. By `performance.now()`. */
  readonly lastMessage: number | undefined;
  /**
   * Once the connection has ended: whether there was a session, and each was over before the connection was, or the peer
   * had asked for its end: not every client closes the stream then, and some leave before the answer is there.
   */
  readonly closedInOrder: boolean;
}

/** How much of the end of what a peer says is looked at for `<close-session>`: a whole message with it. Bytes. */
const maxGoodbye = 4096;

const goodbye = /<([\w.-]+:)?close-session(\s[^<>]*)?(\/>|>)/;

interface Open {
  readonly stream: SessionStream;
  /** The end of what the peer has said on it. */
  lastWords: Buffer;
}

function saidGoodbye({ lastWords }: Open): boolean {
  // a chunk's header may stand anywhere in it (RFC 6242 §4.2)
  return goodbye.test(lastWords.toString('latin1').replaceAll(/\n#\d+\n/g, ''));
}

/**
 * Follows the sessions of a connection, whatever carries it, and lets `serve` serve them.
 * @param linger is told when the connection is needed and when it is done
 */
export function followSessions(
  socket: Socket,
  serve: SessionHandler['onStream'],
  linger: Linger,
): { readonly sessions: Sessions; readonly handler: SessionHandler } {
  /** Those that are not over. */
  const opened = new Set<Open>();
  /** Those that have begun and have no stream yet. */
  let begun = 0;
  let total = 0;
  let lastMessage: number | undefined;
  let closedInOrder: boolean | undefined;
  /** Before the transport closes what the end of the connection leaves open. */
  const judgeEnd = (): boolean => {
    closedInOrder ??= total > 0 && [...opened].every((each) => each.stream.isClosed() || saidGoodbye(each));
    return closedInOrder;
  };
  socket.prependOnceListener('end', judgeEnd);
  socket.prependOnceListener('close', judgeEnd);
  /** The session that was closed last on our side, which may be all: some peers never close theirs. */
  let lastClosed: Open | undefined;
  const settle = (): void => {
    const none = begun === 0 && [...opened].every(({ stream }) => stream.isClosed());
    if (none && lastClosed && saidGoodbye(lastClosed)) linger.done();
  };
  const note = (): void => {
    lastMessage = performance.now();
  };

  return {
    sessions: {
      get open() {
        return opened.size;
      },
      get total() {
        return total;
      },
      get lastMessage() {
        return lastMessage;
      },
      get closedInOrder() {
        return judgeEnd();
      },
    },
    handler: {
      onBegun() {
        begun += 1;
        linger.needed();
      },
      async onStream(stream, user) {
        const open: Open = { stream, lastWords: Buffer.alloc(0) };
        begun -= 1;
        total += 1;
        opened.add(open);
        // after the transport's own, which closes it
        stream.once('finish', () => {
          lastClosed = open;
          settle();
        });
        stream.watch((piece) => {
          note();
          open.lastWords = Buffer.concat([open.lastWords, piece.subarray(-maxGoodbye)]).subarray(-maxGoodbye);
        }, note);
        await serve(stream, user);
        opened.delete(open);
      },
      onAbandoned() {
        begun -= 1;
        settle();
      },
    },
  };
}

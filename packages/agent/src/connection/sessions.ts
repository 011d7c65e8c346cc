import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import type { ConnectionGuard } from '@callhome/shared/ssh/flow-control.js';
import { closeEmptySession, stateOf } from '@callhome/shared/ssh/ssh2-internals.js';
import type { Channel, Connection, Session } from 'ssh2';
import type { SessionOrigin } from '../backend/backend.js';
import type { ServeOptions } from './connection.js';
import type { Linger } from './linger.js';

/** The NETCONF sessions of one connection. */
export interface Sessions {
  /** Those that are not over. */
  readonly open: number;
  /** All that there have been. */
  readonly total: number;
  /** When the last piece of a message passed, or else when the sessions could begin. By `performance.now()`. */
  readonly lastMessage: number;
  /**
   * Once the connection has ended: whether there was a session, and each was over before the connection was, or the peer
   * had asked for its end: not every client closes the channel then, and some leave before the answer is there.
   */
  readonly closedInOrder: boolean;
}

/** How much of the end of what a peer says is looked at for `<close-session>`: a whole message with it. Bytes. */
const maxGoodbye = 4096;

const goodbye = /<([\w.-]+:)?close-session(\s[^<>]*)?(\/>|>)/;

/** For what a peer has said before it closed the connection to reach its session. Milliseconds. */
const lastWordsTimeout = 500;

/** A session's channel. */
interface Open {
  readonly channel: Channel;
  /** The end of what the peer has said on it. */
  lastWords: Buffer;
}

function saidGoodbye({ lastWords }: Open): boolean {
  // a chunk's header may stand anywhere in it (RFC 6242 §4.2)
  return goodbye.test(lastWords.toString('latin1').replaceAll(/\n#\d+\n/g, ''));
}

function isClosed({ channel }: Open): boolean {
  return stateOf(channel) !== 'open';
}

/** Calls back whenever a piece of a message passes. */
function watchMessages(channel: Channel, heard: (piece: Buffer) => void, said: () => void): void {
  const push = channel.push.bind(channel);
  channel.push = (piece, ...args) => {
    if (piece instanceof Buffer) heard(piece);
    return push(piece, ...args);
  };
  const write = channel._write.bind(channel);
  channel._write = (...args) => {
    said();
    write(...args);
  };
}

/** Accepts `netconf` subsystems, at most so many at once. */
export function serveSessions(
  connection: Connection,
  socket: Socket,
  user: string,
  options: Pick<ServeOptions, 'maxSessions' | 'onSession' | 'log'>,
  life: Lifecycle,
  guard: ConnectionGuard,
  linger: Linger,
): Sessions {
  const origin: SessionOrigin = {
    user,
    remote: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
    local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  };
  /** Those that are not over: each with its channel, once it has one. */
  const sessions = new Map<Session, Open | undefined>();
  const opened = (): Open[] => [...sessions.values()].filter((each) => each !== undefined);
  let total = 0;
  let refused = 0;
  let lastMessage = performance.now();
  let closedInOrder: boolean | undefined;
  /** Before ssh2 closes what the end of the connection leaves open. */
  const judgeEnd = (): boolean => {
    closedInOrder ??= total > 0 && opened().every((open) => isClosed(open) || saidGoodbye(open));
    return closedInOrder;
  };
  socket.prependOnceListener('end', judgeEnd);
  socket.prependOnceListener('close', judgeEnd);
  // ssh2 tells of a channel's end once it is read to its end; where the peer is gone nobody may be reading.
  void life.ended.then(async ({ code }) => {
    const left = opened();
    // A peer that has closed the connection may have said something before.
    if (code === 'CALLHOME_PEER_CLOSED') await pause(lastWordsTimeout);
    for (const { channel } of left) channel.unpipe().resume().emit('close');
  });
  /** The session that was closed last on our side, which may be all: some peers never close theirs. */
  let lastClosed: Open | undefined;
  const settle = (): void => {
    const none = [...sessions.values()].every((open) => open !== undefined && isClosed(open));
    if (none && lastClosed && saidGoodbye(lastClosed)) linger.done();
  };
  connection.on('session', (accept, reject) => {
    if (sessions.size >= options.maxSessions) {
      refused += 1;
      if (refused === 1)
        options.log.warn(
          { sessions: sessions.size },
          'sessions are refused: there are as many as there may be',
        );
      reject();
      return;
    }
    linger.needed();
    const session = accept();
    sessions.set(session, undefined);
    let served: Promise<void> | undefined;
    session.once('close', async () => {
      const open = sessions.get(session);
      if (!open) closeEmptySession(connection, session);
      open?.channel.unpipe().resume();
      await served;
      sessions.delete(session);
      if (!open) settle();
    });
    session.on('subsystem', (acceptSubsystem, rejectSubsystem, { name }) => {
      if (name !== 'netconf' || served) {
        // There is none, whatever its type says, where the client wants no answer.
        rejectSubsystem?.();
        return;
      }
      const channel = acceptSubsystem();
      const open: Open = { channel, lastWords: Buffer.alloc(0) };
      // after ssh2's own, which closes it
      channel.once('finish', () => {
        lastClosed = open;
        settle();
      });
      sessions.set(session, open);
      total += 1;
      guard.guardChannel(channel);
      const note = (): void => {
        lastMessage = performance.now();
      };
      const heard = (piece: Buffer): void => {
        note();
        open.lastWords = Buffer.concat([open.lastWords, piece.subarray(-maxGoodbye)]).subarray(-maxGoodbye);
      };
      watchMessages(channel, heard, note);
      served = options.onSession(channel, origin);
    });
  });
  return {
    get open() {
      return opened().length;
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
  };
}

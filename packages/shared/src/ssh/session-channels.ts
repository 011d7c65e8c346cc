import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, Connection, Session } from 'ssh2';
import type { SessionHandler } from '../connection/connection.js';
import type { Lifecycle } from '../connection/lifecycle.js';
import type { Log } from '../log.js';
import type { ConnectionGuard } from './flow-control.js';
import { closeEmptySession, ignoreErrors, stateOf, watchPieces } from './ssh2-internals.js';

/** For what a peer has said before it closed the connection to reach its session. */
const lastWordsTimeoutMs = 500;

/** What is done with the sessions of a connection. */
export interface SessionOptions {
  /** Session channels at once. */
  readonly maxSessions: number;
  readonly sessions: SessionHandler;
  readonly log: Log;
}

/** Accepts `netconf` subsystems on the session channels of a connection, and nothing else. */
export function acceptSessions(
  connection: Connection,
  user: string,
  { maxSessions, sessions, log }: SessionOptions,
  life: Lifecycle,
  guard: ConnectionGuard,
): void {
  /** Those that are not over: each with its channel, once it has one. */
  const channels = new Map<Session, Channel | undefined>();
  let refused = 0;

  // ssh2 tells of a channel's end once it is read to its end; where the peer is gone nobody may be reading.
  void life.ended.then(async ({ code }) => {
    const left = [...channels.values()];
    // A peer that has closed the connection may have said something before.
    if (code === 'CALLHOME_PEER_CLOSED') await pause(lastWordsTimeoutMs);
    for (const channel of left) channel?.unpipe().resume().emit('close');
  });

  connection.on('session', (accept, reject) => {
    if (channels.size >= maxSessions) {
      refused += 1;
      if (refused === 1)
        log.warn({ sessions: channels.size }, 'sessions are refused: there are as many as there may be');
      reject();
      return;
    }
    sessions.onBegun?.();
    const session = accept();
    channels.set(session, undefined);
    let served: Promise<void> | undefined;
    let state: 'open' | 'closed' | 'served' = 'open';
    // What is over on both sides has no place any more: the next session may come right behind its end.
    const goOn = (next: 'closed' | 'served'): void => {
      if (state !== 'open' && state !== next) channels.delete(session);
      state = next;
    };
    session.once('close', () => {
      const channel = channels.get(session);
      if (channel) {
        channel.unpipe().resume();
        goOn('closed');
        return;
      }
      closeEmptySession(connection, session);
      channels.delete(session);
      sessions.onAbandoned?.();
    });
    session.on('subsystem', (acceptSubsystem, rejectSubsystem, { name }) => {
      if (name !== 'netconf' || served) {
        // There is none, whatever its type says, where the client wants no answer.
        rejectSubsystem?.();
        return;
      }
      const channel = acceptSubsystem();
      channels.set(session, channel);
      ignoreErrors(channel);
      guard.guardChannel(channel);
      served = sessions.onStream(
        Object.assign(channel, {
          isClosed: () => stateOf(channel) !== 'open',
          watch: (heard: (piece: Buffer) => void, sent: () => void) => watchPieces(channel, heard, sent),
        }),
        user,
      );
      void served.then(() => goOn('served'));
    });
  });
}

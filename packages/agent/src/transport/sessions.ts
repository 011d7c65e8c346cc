import type { Socket } from 'node:net';
import type { ConnectionGuard } from '@callhome/shared/ssh/flow-control.js';
import type { Lifecycle } from '@callhome/shared/ssh/lifecycle.js';
import { closeEmptySession, stateOf } from '@callhome/shared/ssh/ssh2-internals.js';
import type { Channel, Connection, Session } from 'ssh2';
import type { SessionOrigin } from '../backend/backend.js';
import type { SshServerOptions } from './ssh.js';

/** The NETCONF sessions of one connection. */
export interface Sessions {
  /** Those that are not over. */
  readonly open: number;
  /** All that there have been. */
  readonly total: number;
  /** When the last piece of a message passed, or else when the sessions could begin. By `performance.now()`. */
  readonly lastMessage: number;
  /** Once the connection has ended: whether there was a session, and each was closed before the connection was. */
  readonly closedInOrder: boolean;
}

/** Calls back whenever a piece of a message passes. */
function watchMessages(channel: Channel, note: () => void): void {
  const push = channel.push.bind(channel);
  channel.push = (...args) => {
    note();
    return push(...args);
  };
  const write = channel._write.bind(channel);
  channel._write = (...args) => {
    note();
    write(...args);
  };
}

/** Accepts `netconf` subsystems, at most so many at once. */
export function serveSessions(
  connection: Connection,
  socket: Socket,
  user: string,
  options: Pick<SshServerOptions, 'maxSessions' | 'onSession' | 'log'>,
  life: Lifecycle,
  guard: ConnectionGuard,
): Sessions {
  const origin: SessionOrigin = {
    user,
    remote: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
    local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  };
  /** Those that are not over: each with its channel, once it has one. */
  const sessions = new Map<Session, Channel | undefined>();
  const channels = (): Channel[] => [...sessions.values()].filter((channel) => channel !== undefined);
  let total = 0;
  let refused = 0;
  let lastMessage = performance.now();
  let closedInOrder: boolean | undefined;
  /** Before ssh2 closes what the end of the connection leaves open. */
  const judgeEnd = (): void => {
    closedInOrder ??= total > 0 && channels().every((channel) => stateOf(channel) !== 'open');
  };
  socket.prependOnceListener('end', judgeEnd);
  socket.prependOnceListener('close', judgeEnd);
  // ssh2 tells of a channel's end once it is read to its end; where the peer is gone nobody may be reading.
  void life.ended.then(() => {
    for (const channel of channels()) channel.unpipe().resume();
  });
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
    const session = accept();
    sessions.set(session, undefined);
    let served: Promise<void> | undefined;
    session.once('close', async () => {
      const channel = sessions.get(session);
      if (!channel) closeEmptySession(connection, session);
      channel?.unpipe().resume();
      await served;
      sessions.delete(session);
    });
    session.on('subsystem', (acceptSubsystem, rejectSubsystem, { name }) => {
      if (name !== 'netconf' || served) {
        rejectSubsystem();
        return;
      }
      const channel = acceptSubsystem();
      sessions.set(session, channel);
      total += 1;
      guard.guardChannel(channel);
      watchMessages(channel, () => {
        lastMessage = performance.now();
      });
      served = options.onSession(channel, origin);
    });
  });
  return {
    get open() {
      return channels().length;
    },
    get total() {
      return total;
    },
    get lastMessage() {
      return lastMessage;
    },
    get closedInOrder() {
      return closedInOrder ?? false;
    },
  };
}

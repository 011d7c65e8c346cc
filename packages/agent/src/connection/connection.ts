import type { Socket } from 'node:net';
import type { EndpointConfig } from '@callhome/shared/config/agent-config.js';
import type {
  ServerConnection,
  SessionHandler,
  SessionStream,
} from '@callhome/shared/connection/connection.js';
import { type Lifecycle, watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import type { Log } from '@callhome/shared/log.js';
import type { RekeyLimits } from '@callhome/shared/ssh/rekey.js';
import { serveSsh } from '@callhome/shared/ssh/server.js';
import type { SessionOrigin } from '../backend/backend.js';
import { limitIdle } from './idle.js';
import { lingerAfterSessions } from './linger.js';
import { followSessions, type Sessions } from './sessions.js';

export interface ServeOptions {
  /** For the handshake and authentication together. */
  readonly handshakeTimeoutSeconds: number;
  /** At once. */
  readonly maxSessions: number;
  /** Ends a connection on which no NETCONF message has passed for so long; 0 is never. */
  readonly idleTimeoutSeconds: number;
  /** How long a connection waits for another session when its last one was closed in order. */
  readonly sessionLingerSeconds: number;
  /** Takes the stream of each NETCONF session; resolves when all of the session is over. */
  readonly onSession: (stream: SessionStream, origin: SessionOrigin) => Promise<void>;
  /** When SSH exchanges keys again; RFC 4253's advice by default. */
  readonly rekey?: RekeyLimits;
  readonly log: Log;
}

/** A connection whose user is authenticated, and its sessions. */
export interface ServedConnection extends ServerConnection {
  readonly sessions: Sessions;
}

/** The server's end of what carries the connections of an endpoint. */
function serveTransport(
  socket: Socket,
  life: Lifecycle,
  endpoint: EndpointConfig,
  sessions: SessionHandler,
  { maxSessions, rekey, log }: ServeOptions,
): Promise<ServerConnection> {
  switch (endpoint.transport) {
    case 'ssh':
      return serveSsh(socket, life, endpoint, { maxSessions, sessions, log, ...(rekey && { rekey }) });
  }
}

/**
 * Serves an endpoint on a socket that was dialled, until a user is let in: proves the device, and hands out the streams of
 * its sessions.
 * @throws what the transport throws: see `serveSsh`
 */
export async function serveConnection(
  socket: Socket,
  endpoint: EndpointConfig,
  options: ServeOptions,
): Promise<ServedConnection> {
  const life = watchLifecycle(socket, options.handshakeTimeoutSeconds);
  const linger = lingerAfterSessions(options.sessionLingerSeconds, life);
  const serve: SessionHandler['onStream'] = (stream, user) =>
    options.onSession(stream, {
      user,
      remote: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
      local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
    });
  const { sessions, handler } = followSessions(socket, serve, linger);
  const connection = await serveTransport(socket, life, endpoint, handler, options);
  limitIdle(options.idleTimeoutSeconds, sessions, life);
  return { ...connection, sessions };
}

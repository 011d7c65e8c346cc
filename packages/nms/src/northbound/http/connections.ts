import type { Socket } from 'node:net';
import { CallhomeError } from '@callhome/shared/errors.js';

/** How many connections the API has at once. */
export interface ConnectionLimits {
  /** Those that have not shown the token. */
  readonly strangers: number;
  /** Those that have. */
  readonly callers: number;
  /** Those that carry a NETCONF session, for as long as that lasts. */
  readonly tunnels: number;
}

/** The API's connections, by what they are so far: none of one kind takes the place of another kind's. */
export interface ApiConnections {
  /** A new one. Where there are too many of those that have shown no token, the oldest gives way. */
  arrived(socket: Socket): void;
  /** It has shown the token. @throws CALLHOME_API_BUSY */
  becomes(socket: Socket, kind: 'callers' | 'tunnels'): void;
  tunnels(): Iterable<Socket>;
}

export function trackConnections(limits: ConnectionLimits): ApiConnections {
  const kinds = { strangers: new Set<Socket>(), callers: new Set<Socket>(), tunnels: new Set<Socket>() };
  return {
    arrived(socket) {
      kinds.strangers.add(socket);
      socket.once('close', () => {
        for (const sockets of Object.values(kinds)) sockets.delete(socket);
      });
      const [oldest] = kinds.strangers;
      if (kinds.strangers.size > limits.strangers) oldest?.destroy();
    },
    becomes(socket, kind) {
      if (kinds[kind].has(socket)) return;
      if (kinds[kind].size >= limits[kind])
        throw new CallhomeError('CALLHOME_API_BUSY', { what: kind, most: limits[kind] });
      for (const sockets of Object.values(kinds)) sockets.delete(socket);
      kinds[kind].add(socket);
    },
    tunnels: () => kinds.tunnels,
  };
}

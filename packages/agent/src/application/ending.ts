import type { CallhomeError, ErrorCode } from '@callhome/shared/errors.js';

/** How a connection has ended. */
export type Ending =
  /** By the agent itself, because nobody needs it any more. */
  | 'done'
  /** By the peer, in order. */
  | 'left'
  /** Because a reconnect was asked for. */
  | 'asked'
  | 'lost';

const done: readonly ErrorCode[] = ['CALLHOME_IDLE', 'CALLHOME_SESSIONS_DONE'];

/** Some peers leave answers unread, and then a reset takes the place of the end. */
const byPeer: readonly ErrorCode[] = ['CALLHOME_PEER_CLOSED', 'CALLHOME_CONNECTION_LOST'];

/** @param closedInOrder whether the connection's sessions were over before it was */
export function endingOf({ code }: CallhomeError, closedInOrder: boolean): Ending {
  if (done.includes(code)) return 'done';
  if (byPeer.includes(code) && closedInOrder) return 'left';
  return code === 'CALLHOME_RECONNECT' ? 'asked' : 'lost';
}

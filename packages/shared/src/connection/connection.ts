import type { Duplex } from 'node:stream';
import type { CallhomeError } from '../errors.js';

/** How a device proves who it is, by what carries the connection. */
interface HostProofs {
  /** The host key, in the SSH wire format. */
  readonly ssh: { readonly hostKey: Buffer };
}

/** What can carry a connection. */
export type Transport = keyof HostProofs;

export const transports = ['ssh'] as const satisfies readonly Transport[];

/** A connected socket whose peer has proved who it is. It has one end. */
interface Connection {
  readonly transport: Transport;
  /** Whether it has not ended. */
  isOpen(): boolean;
  /** Resolves, once, with the reason of its end. */
  readonly ended: Promise<CallhomeError>;
  /** Ends it in order, and by force where the peer does not follow. */
  end(reason: CallhomeError): void;
}

/** What has passed over a socket. Bytes. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

/** How a device has proved who it is. */
export type HostProof = { [T in Transport]: { readonly transport: T } & HostProofs[T] }[Transport];

/** The end that opens NETCONF sessions. */
export interface ClientConnection extends Connection {
  readonly peer: HostProof;
  traffic(): Traffic;
  /** Sessions at once, as far as the transport has a limit. */
  readonly maxSessions: number;
  /**
   * The byte stream of one more session, nothing sent yet.
   * @throws CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST
   */
  openSession(): Promise<Duplex>;
}

/** The end at which the peer opens NETCONF sessions. */
export interface ServerConnection extends Connection {
  /** Who has been let in. */
  readonly user: string;
}

/** The byte stream of a session that the peer has opened. */
export interface SessionStream extends Duplex {
  /** Whether either end has closed it, though not all of what came before may have been read. */
  isClosed(): boolean;
  /** Shows each piece that comes from the peer when it arrives, read or not, and tells of each that is sent. */
  watch(heard: (piece: Buffer) => void, sent: () => void): void;
  /** Tells the peer a program's exit status, where the transport has a place for it; before the stream's end. */
  exit?(status: number): void;
}

/** What becomes of the sessions that a peer opens. */
export interface SessionHandler {
  /** One begins: its stream is to come. */
  onBegun?(): void;
  /** It has its stream. Resolves when all of the session is over. @param user who has opened it */
  onStream(stream: SessionStream, user: string): Promise<void>;
  /** One that has begun is over without a stream. */
  onAbandoned?(): void;
}

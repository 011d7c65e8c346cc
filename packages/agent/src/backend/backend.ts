import type { Duplex } from 'node:stream';
import type { SessionStream } from '@callhome/shared/connection/connection.js';

/** What a backend needs of a session's stream. */
export type SessionChannel = Duplex & Pick<SessionStream, 'exit'>;

/** Who opened a NETCONF session, and over which connection. */
export interface SessionOrigin {
  readonly user: string;
  /** The SSH client: the management system. */
  readonly remote: { readonly address: string; readonly port: number };
  readonly local: { readonly address: string; readonly port: number };
}

/** What answers NETCONF on the device. */
export interface Backend {
  /**
   * Serves one NETCONF session on a channel until either side ends it, then closes the channel. Resolves when all of
   * the session is over, and never rejects: what goes wrong is logged, and ends the session.
   */
  open(channel: SessionChannel, origin: SessionOrigin): Promise<void>;
}

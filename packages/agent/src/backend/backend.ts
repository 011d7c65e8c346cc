import type { Duplex } from 'node:stream';

/** The channel of one NETCONF session. */
export interface SessionChannel extends Duplex {
  /** Tells the peer a program's exit status, where the transport has a place for it; before the channel's end. */
  exit?(status: number): void;
}

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

import type { Traffic } from '@callhome/shared/connection/connection.js';

/** How a connection has ended. */
export interface ConnectionEnd {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** A code of the catalogue, and the words. */
  readonly code: string;
  readonly reason: string;
  /** What passed over its socket, both ways; not known of one whose collector did not live to tell. */
  readonly bytes?: Traffic;
}

/** A connection that has ended. Times are ISO 8601, UTC. */
export interface PastConnection extends ConnectionEnd {
  readonly connectedAt: string;
  readonly remoteAddress: string;
  /** The fingerprint of the host key that the device proved. */
  readonly hostKey: string;
}

/** How much of the past is kept. */
export interface Retention {
  readonly days: number;
  /** Of each device. */
  readonly connections: number;
}

/** The connections that devices have had. */
export interface PastConnections {
  /** The last ended first. */
  list(device: string, most: number): Promise<readonly PastConnection[]>;
  /**
   * Forgets those that are too old, some at a time.
   * @param now ISO 8601, UTC
   * @param signal ends it early
   */
  prune(now: string, signal: AbortSignal): Promise<void>;
}

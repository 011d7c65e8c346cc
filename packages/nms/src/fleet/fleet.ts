import type { Duplex } from 'node:stream';
import type { Traffic } from '@callhome/shared/connection/connection.js';
import type { CallhomeError } from '@callhome/shared/errors.js';
import type { ReplyStream, RequestOptions } from '@callhome/shared/netconf/client-session.js';
import type { Operation } from '@callhome/shared/netconf/operation.js';

/** A connected device, wherever its connection is. */
export interface ReachedDevice {
  /**
   * Sends one operation on the session that all share who send single ones; resolves with the first bytes of its reply.
   * Without a timeout it has the one of the device's settings.
   * @throws what that session throws, and CALLHOME_CHANNEL_REFUSED or CALLHOME_CONNECTION_LOST where there
   *   is none and none can be opened
   */
  send(operation: Operation, options: RequestOptions): Promise<ReplyStream>;
  /**
   * The byte stream of a session of one's own, nothing sent yet: the caller says hello.
   * @throws CALLHOME_SESSIONS_TAKEN, CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST
   */
  openSession(): Promise<Duplex>;
  /** Whether its connection is over: a stream that ends just before that was cut off. */
  isLost(): boolean;
}

/** What is live of a device. */
export interface Presence {
  readonly connected: boolean;
  /** The number of the session that all share; undefined while there is none. */
  readonly sessionId?: number;
  /** As that session has them. */
  readonly capabilities?: readonly string[];
  /** What has passed over its socket so far. */
  readonly traffic?: Traffic;
  /** Where else the device's key seems to be in use: an address. */
  readonly likelyClone?: string;
}

/** The devices that can be reached, wherever their connections are. */
export interface Fleet {
  /** @throws CALLHOME_DEVICE_NOT_CONNECTED */
  reach(device: string): Promise<ReachedDevice>;
  presence(device: string): Promise<Presence>;
  /** Ends a device's connection, where it has one; resolves when that is over. */
  end(device: string, reason: CallhomeError): Promise<void>;
  /** How many devices are connected. */
  connected(): Promise<number>;
}

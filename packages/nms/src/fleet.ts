import type { Duplex } from 'node:stream';
import type { ClientSession } from '@callhome/shared/netconf/client-session.js';

/** One device's live connection, as northbound interfaces use it. */
export interface DeviceConnection {
  readonly device: string;
  /** The collector's own NETCONF session, shared by all who send single operations. */
  readonly session: ClientSession;
  /**
   * Opens a channel of its own with the `netconf` subsystem started and nothing sent: the caller says hello.
   * @throws CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST
   */
  openChannel(): Promise<Duplex>;
}

/** The devices that are connected now. */
export interface Fleet {
  connection(device: string): DeviceConnection | undefined;
  /** Where else the key of a device seems to be in use: an address. */
  likelyClone(device: string): string | undefined;
  /** How many devices are connected. */
  connected(): number;
  /** Ends a device's connection, if there is one, for a reason that its log and history show. */
  disconnect(device: string, reason: string): void;
  /** Counters since the start, by name: connections accepted, refused by reason, lost. */
  counters(): Readonly<Record<string, number>>;
}

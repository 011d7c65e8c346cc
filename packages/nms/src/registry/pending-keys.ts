import type { HostKey } from './host-key.js';

/** A key that was proved by a call, and that no device is known by. Times are ISO 8601, UTC. */
export interface PendingKey extends HostKey {
  /** An operator may have said that it is not wanted. */
  readonly state: 'pending' | 'rejected';
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** When the last calls were, the last one behind: enough to tell how a device calls that tries several times in a row. */
  readonly lastCalls: readonly string[];
  /** How often it has called. */
  readonly calls: number;
  /** Of the last call. */
  readonly remoteAddress: string;
  readonly listener: string;
  /** What the device said of itself before SSH, and how its SSH identifies itself. */
  readonly said: string;
}

/** A call that proved a key which nobody knows. */
export interface StrangersCall {
  readonly at: string;
  readonly remoteAddress: string;
  /** Whoever shares it shares a lot: it can have so many pending keys. */
  readonly source: string;
  readonly listener: string;
  readonly said: string;
}

/**
 * Keys that wait for an operator's word. There are so many of them and no more; where there are too many, the oldest of
 * the source that has most gives way, so that nobody pushes the others out. Those that were rejected stay.
 */
export interface PendingKeys {
  /** A key was proved that no device is known by. One that has become a device's meanwhile is left that device's. */
  seen(key: HostKey, call: StrangersCall): Promise<void>;
  get(fingerprint: string): Promise<PendingKey | undefined>;
  /**
   * The one key whose fingerprint begins so.
   * @throws CALLHOME_KEY_NOT_PENDING, which tells the device that has it, CALLHOME_FINGERPRINT_AMBIGUOUS
   */
  find(beginning: string): Promise<PendingKey>;
  /** The last seen first. They come piece by piece: there may be ten thousand. */
  list(): AsyncIterable<PendingKey>;
  /** It is not wanted: remembered until it is forgotten. False when there is no such key. */
  reject(fingerprint: string): Promise<boolean>;
  /** As if it had never called. False when there is no such key. */
  forget(fingerprint: string): Promise<boolean>;
}

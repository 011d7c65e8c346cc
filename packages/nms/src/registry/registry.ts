import type { Transport } from '@callhome/shared/connection/connection.js';
import type { CallhomeError } from '@callhome/shared/errors.js';
import type { HostKey } from './host-key.js';
import type { ConnectionEnd, PastConnections } from './past-connections.js';
import type { PendingKeys } from './pending-keys.js';
import type { Profiles } from './profiles.js';
import type { DeviceSettings, SettingsChange } from './settings.js';

/** How a device came by a key: an operator gave it, or approved of it after a call that had proved it. */
export type KeyOrigin = 'added' | 'approved';

/** A host key by which a device is known. Times are ISO 8601, UTC. */
export interface KnownKey extends HostKey {
  readonly origin: KeyOrigin;
  /** Not known of keys that are older than the record of it. */
  readonly learnedAt?: string;
  /** When the device last came under management with it. */
  readonly provedAt?: string;
}

/** What is said of a new device. */
export interface NewDevice {
  readonly id: string;
  readonly hostKeys: readonly HostKey[];
  readonly labels: Readonly<Record<string, string>>;
  /** `default` where it is left out. */
  readonly profile?: string | undefined;
  readonly settings?: DeviceSettings | undefined;
  readonly description?: string | undefined;
}

/** What an operator says of a device. */
export interface DeviceDefinition extends NewDevice {
  readonly hostKeys: readonly KnownKey[];
  /** Its own: what it says otherwise than its profile. */
  readonly settings: DeviceSettings;
  /** Those of its profile. */
  readonly profileSettings: DeviceSettings;
}

/** A device, as far as a call concerns it. */
export type CalledDevice = Pick<DeviceDefinition, 'id' | 'settings' | 'profileSettings'>;

/** What becomes of a device's definition. What is left out stays; null takes away, and of the profile makes it `default`. */
export interface DeviceChange {
  readonly profile?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly settings?: SettingsChange | undefined;
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
  readonly addKeys?: readonly HostKey[] | undefined;
  /** By their fingerprints. */
  readonly removeKeys?: readonly string[] | undefined;
}

/** What an inventory says of a device. What is left out stays as it is; null takes away. */
export interface DeviceRow extends Pick<DeviceChange, 'profile' | 'description' | 'settings' | 'labels'> {
  readonly id: string;
  /** All that it is to have; where there is none, nothing is said of them. */
  readonly hostKeys: readonly HostKey[];
}

/** What became of a row. */
export type RowOutcome =
  | { readonly kind: 'added' | 'changed' | 'unchanged' }
  | { readonly kind: 'failed'; readonly error: CallhomeError };

/** What was learned of a device when it connected. Times are ISO 8601, UTC. */
export interface ConnectionFacts {
  readonly transport: Transport;
  readonly remoteAddress: string;
  /** The fingerprint of the host key that it proved. */
  readonly hostKey: string;
  readonly sessionId: number;
  readonly capabilities: readonly string[];
  readonly connectedAt: string;
}

/** Who has the connection of a device. */
export interface Holder {
  /** A collector, or a process of one: a name that outlives it. */
  readonly owner: string;
  /** Tells the connection from all others of that owner's life. */
  readonly connection: number;
}

/** What follows the proof of a key: logging in, and opening the collector's own NETCONF session. */
export const callStages = ['log-in', 'session'] as const;

export type CallStage = (typeof callStages)[number];

/** A call of a device that proved its key and came no further. */
export interface FailedCall {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly remoteAddress: string;
  /** How far it came: what failed. Not known of calls that are older than the record of it. */
  readonly stage?: CallStage;
  /** Why it failed: a code of the catalogue, and the words. */
  readonly code: string;
  readonly reason: string;
}

/** When a connection ended, and why: a code of the catalogue. */
export type RecentEnd = Pick<ConnectionEnd, 'at' | 'code'>;

/** How many of a device's last ends are told with it. */
export const maxRecentEnds = 10;

/** What of devices is read. */
export interface DeviceReading {
  /** Whether their capabilities are, which are most of what there is; true if not given. */
  readonly capabilities?: boolean;
}

/** A device as the registry keeps it. */
export interface DeviceRecord extends DeviceDefinition, Partial<ConnectionFacts> {
  readonly state: 'connected' | 'disconnected';
  /** How many of its capabilities are not kept: a registry keeps so many bytes of them. */
  readonly capabilitiesDropped?: number;
  readonly disconnectedAt?: string;
  /** Why the last connection ended. */
  readonly reason?: string;
  /** The last call, where it failed. */
  readonly lastAttempt?: FailedCall;
  /** Of its last connections, the latest first. Left out where there is none. */
  readonly recentEnds?: readonly RecentEnd[];
  /** How many connections there have been. */
  readonly connections: number;
}

/** A change of the registry, told after it is durable. */
export type RegistryChange =
  | { readonly kind: 'added' | 'changed'; readonly device: DeviceDefinition }
  | { readonly kind: 'removed'; readonly id: string }
  | { readonly kind: 'renamed'; readonly id: string; readonly to: string }
  /** A device has connected, to whoever that is. */
  | {
      readonly kind: 'held';
      readonly id: string;
      readonly holder: Holder;
      readonly remoteAddress: string;
    };

/** Devices, their keys, state and history. Keyed by device id; every answer is a promise, so that it may be elsewhere. */
export interface Registry {
  /** @throws CALLHOME_DEVICE_EXISTS, CALLHOME_HOST_KEY_TAKEN, CALLHOME_PROFILE_UNKNOWN */
  add(device: NewDevice): Promise<void>;
  /**
   * False when there is no such device.
   * @throws CALLHOME_HOST_KEY_TAKEN, CALLHOME_HOST_KEY_NOT_ITS, CALLHOME_PROFILE_UNKNOWN, CALLHOME_DEVICE_FULL
   */
  change(id: string, change: DeviceChange): Promise<boolean>;
  /**
   * Adds the devices of some hundred rows, or changes them to what their rows say, in one go: a row that fails leaves the
   * others be, and one that changes nothing is told to nobody. What became of each row, in their order.
   */
  bring(rows: readonly DeviceRow[]): Promise<readonly RowOutcome[]>;
  /** With all its history; it is disconnected then. False when there is no such device. @throws CALLHOME_DEVICE_EXISTS */
  rename(id: string, to: string): Promise<boolean>;
  /**
   * Makes a key that is pending, or was rejected, a device's: of a new one, or of one that is known.
   * @throws CALLHOME_KEY_NOT_PENDING, CALLHOME_PROFILE_UNKNOWN
   */
  approve(fingerprint: string, device: Omit<NewDevice, 'hostKeys'>): Promise<void>;
  get(id: string): Promise<DeviceRecord | undefined>;
  /** The device that has a host key. @param blob in the SSH wire format, base64 */
  withHostKey(blob: string): Promise<CalledDevice | undefined>;
  /** All devices, ordered by id. They come piece by piece: there may be tens of thousands. */
  list(reading?: DeviceReading): AsyncIterable<DeviceRecord>;
  /** How many devices there are. */
  count(): Promise<number>;
  /** False when there was no such device. */
  remove(id: string): Promise<boolean>;
  /**
   * Counts one more connection, which takes the place of any other one, keeps its facts, and forgets calls that failed
   * before. A device that is gone is left gone.
   */
  connected(id: string, holder: Holder, facts: ConnectionFacts): Promise<void>;
  /** The connection has ended: it is kept, and ends the device's where that has no other by now. */
  disconnected(id: string, holder: Holder, facts: ConnectionFacts, end: ConnectionEnd): Promise<void>;
  /** An owner's life is over, however that ended: so are its connections. */
  release(owner: string, end: ConnectionEnd): Promise<void>;
  /** Keeps it until a call succeeds. A device that is gone is left gone. */
  callFailed(id: string, call: FailedCall): Promise<void>;
  readonly profiles: Profiles;
  readonly pending: PendingKeys;
  readonly past: PastConnections;
  /** Calls back for every change from now on; the result ends that. */
  watch(listener: (change: RegistryChange) => void): () => void;
  close(): Promise<void>;
}

import type { Transport } from '@callhome/shared/connection/connection.js';

/** A public host key by which a device is known. */
export interface HostKey {
  readonly type: string;
  /** The SSH wire format, base64. */
  readonly blob: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
}

/** What an operator says of a device. */
export interface DeviceDefinition {
  readonly id: string;
  readonly hostKeys: readonly HostKey[];
  /** The user that the collector logs in as; without one, the configuration's at the time of each call. */
  readonly user?: string;
  readonly labels: Readonly<Record<string, string>>;
}

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

/** A call of a device that proved its key and came no further. */
export interface FailedCall {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly remoteAddress: string;
  /** Why it failed: a code of the catalogue, and the words. */
  readonly code: string;
  readonly reason: string;
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
  /** How many connections there have been. */
  readonly connections: number;
}

/** A change of the registry, told after it is durable. */
export type RegistryChange =
  | { readonly kind: 'added' | 'changed'; readonly device: DeviceDefinition }
  | { readonly kind: 'removed'; readonly id: string }
  /** A device has connected, to whoever that is. */
  | {
      readonly kind: 'held';
      readonly id: string;
      readonly holder: Holder;
      readonly remoteAddress: string;
    };

/** Devices, their keys, state and history. Keyed by device id; every answer is a promise, so that it may be elsewhere. */
export interface Registry {
  /** @throws CALLHOME_DEVICE_EXISTS, CALLHOME_HOST_KEY_TAKEN */
  add(device: DeviceDefinition): Promise<void>;
  /**
   * Puts this in the place of what was said of a device before; its history stays. False when there is no such device.
   * @throws CALLHOME_HOST_KEY_TAKEN
   */
  change(device: DeviceDefinition): Promise<boolean>;
  get(id: string): Promise<DeviceRecord | undefined>;
  /** The device that has a host key. @param blob in the SSH wire format, base64 */
  withHostKey(blob: string): Promise<DeviceDefinition | undefined>;
  /** All devices, ordered by id. They come piece by piece: there may be tens of thousands. */
  list(): AsyncIterable<DeviceRecord>;
  /** How many devices there are. */
  count(): Promise<number>;
  /** False when there was no such device. */
  remove(id: string): Promise<boolean>;
  /**
   * Counts one more connection, which takes the place of any other one, keeps its facts, and forgets calls that failed
   * before. A device that is gone is left gone.
   */
  connected(id: string, holder: Holder, facts: ConnectionFacts): Promise<void>;
  /** The connection has ended: nothing happens where the device has another one by now. */
  disconnected(id: string, holder: Holder, at: string, reason: string): Promise<void>;
  /** An owner's life is over, however that ended: so are its connections. */
  release(owner: string, at: string, reason: string): Promise<void>;
  /** Keeps it until a call succeeds. A device that is gone is left gone. */
  callFailed(id: string, call: FailedCall): Promise<void>;
  /** Calls back for every change from now on; the result ends that. */
  watch(listener: (change: RegistryChange) => void): () => void;
  close(): Promise<void>;
}

import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { likelyClone, recentTakeovers, type Takeover } from '../identity/clones.js';
import type { Registry } from '../registry/registry.js';
import type { ManagedConnection } from './device-connection.js';

/** Where a call comes from. */
export interface Caller {
  readonly host: string;
  /** Host and port, for people. */
  readonly address: string;
}

/** The devices under management, with one connection each. */
export interface ManagedDevices {
  /** The live connection of a device. */
  connection(device: string): ManagedConnection | undefined;
  all(): Iterable<ManagedConnection>;
  size(): number;
  /** Where else the key of a device seems to be in use. */
  likelyClone(device: string): string | undefined;
  /**
   * Takes a connection, which replaces the device's former one, and follows it to its end.
   * Resolves when the registry knows of that. The registry's trouble, such as a full disk, ends no connection.
   */
  follow(connection: ManagedConnection, life: Lifecycle, caller: Caller, log: Log): Promise<void>;
}

/** @param count counts a thing that happened, by name */
export function createManagedDevices(registry: Registry, count: (name: string) => void): ManagedDevices {
  const connections = new Map<string, { readonly connection: ManagedConnection; readonly host: string }>();
  const takeovers = new Map<string, readonly Takeover[]>();
  /** What the registry has still to learn of each device, in the order in which it happened. */
  const stories = new Map<string, Promise<void>>();

  async function tell(
    connection: ManagedConnection,
    life: Lifecycle,
    remoteAddress: string,
    log: Log,
  ): Promise<void> {
    const { device, hostKey, connectedAt } = connection;
    const { sessionId, capabilities } = connection.session;
    const record = (write: Promise<void>): Promise<void> =>
      write.catch((error) => log.error({ reason: reasonOf(error) }, 'the registry was not written'));
    await record(
      registry.connected(device, {
        transport: 'ssh',
        remoteAddress,
        hostKey,
        sessionId,
        capabilities,
        connectedAt,
      }),
    );
    log.info({ session: sessionId, hostKey, capabilities: capabilities.length }, 'device connected');
    const reason = await life.ended;
    count(`ended.${reason.code}`);
    const level = reason.code === 'CALLHOME_LIKELY_CLONE' ? 'warn' : 'info';
    log[level]({ code: reason.code, reason: reason.message }, 'device disconnected');
    // Where a new connection has taken over, the device is connected all the same.
    if (connections.has(device)) return;
    await record(registry.disconnected(device, new Date().toISOString(), reason.message));
  }

  const cloneOf = (device: string): string | undefined =>
    likelyClone(takeovers.get(device) ?? [], performance.now());

  /** Why a connection gives way to a call of the same device. */
  function replacement(device: string, from: string, caller: Caller): CallhomeError {
    const now = performance.now();
    if (from !== caller.host) {
      const recent = recentTakeovers(takeovers.get(device) ?? [], now);
      takeovers.set(device, [...recent, { at: now, from, to: caller.host }]);
    }
    const other = cloneOf(device);
    return other === undefined
      ? new CallhomeError('CALLHOME_REPLACED', { remoteAddress: caller.address })
      : new CallhomeError('CALLHOME_LIKELY_CLONE', { remoteAddress: caller.address, other });
  }

  return {
    connection: (device) => connections.get(device)?.connection,
    *all() {
      for (const { connection } of connections.values()) yield connection;
    },
    size: () => connections.size,
    likelyClone: cloneOf,
    async follow(connection, life, caller, log) {
      const { device } = connection;
      const former = connections.get(device);
      connections.set(device, { connection, host: caller.host });
      former?.connection.end(replacement(device, former.host, caller));
      void life.ended.then(() => {
        if (connections.get(device)?.connection !== connection) return;
        connections.delete(device);
        if (recentTakeovers(takeovers.get(device) ?? [], performance.now()).length === 0)
          takeovers.delete(device);
      });
      count('established');
      const before = stories.get(device) ?? Promise.resolve();
      const story = before.then(() => tell(connection, life, caller.address, log));
      stories.set(device, story);
      await story;
      if (stories.get(device) === story) stories.delete(device);
    },
  };
}

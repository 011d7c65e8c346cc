import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { Lifecycle } from '@callhome/shared/ssh/lifecycle.js';
import type { Registry } from '../registry/registry.js';
import type { ManagedConnection } from './device-connection.js';

/** The devices under management, with one connection each. */
export interface ManagedDevices {
  /** The live connection of a device. */
  connection(device: string): ManagedConnection | undefined;
  all(): Iterable<ManagedConnection>;
  size(): number;
  /**
   * Takes a connection, which replaces the device's former one, and follows it to its end.
   * Resolves when the registry knows of that. The registry's trouble, such as a full disk, ends no connection.
   */
  follow(connection: ManagedConnection, life: Lifecycle, remoteAddress: string, log: Log): Promise<void>;
}

/** What the registry keeps of a device's capabilities: a hello may have megabytes of them. Characters. */
const maxCapabilities = 256 * 1024;

function keptCapabilities(capabilities: readonly string[]): readonly string[] {
  let room = maxCapabilities;
  return capabilities.filter((capability) => {
    room -= capability.length;
    return room >= 0;
  });
}

/** @param count counts a thing that happened, by name */
export function createManagedDevices(registry: Registry, count: (name: string) => void): ManagedDevices {
  const connections = new Map<string, ManagedConnection>();
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
        capabilities: keptCapabilities(capabilities),
        connectedAt,
      }),
    );
    log.info({ session: sessionId, hostKey, capabilities: capabilities.length }, 'device connected');
    const reason = await life.ended;
    count(`ended.${reason.code}`);
    log.info({ code: reason.code, reason: reason.message }, 'device disconnected');
    // Where a new connection has taken over, the device is connected all the same.
    if (connections.has(device)) return;
    await record(registry.disconnected(device, new Date().toISOString(), reason.message));
  }

  return {
    connection: (device) => connections.get(device),
    all: () => connections.values(),
    size: () => connections.size,
    async follow(connection, life, remoteAddress, log) {
      const { device } = connection;
      const former = connections.get(device);
      connections.set(device, connection);
      former?.end(new CallhomeError('CALLHOME_REPLACED', { remoteAddress }));
      void life.ended.then(() => {
        if (connections.get(device) === connection) connections.delete(device);
      });
      count('established');
      const before = stories.get(device) ?? Promise.resolve();
      const story = before.then(() => tell(connection, life, remoteAddress, log));
      stories.set(device, story);
      await story;
      if (stories.get(device) === story) stories.delete(device);
    },
  };
}

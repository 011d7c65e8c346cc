import type { Retention } from '../past-connections.js';
import type { Registry, RegistryChange } from '../registry.js';
import { embeddedConnections } from './connections.js';
import { openDatabase } from './database.js';
import { embeddedDevices } from './devices.js';
import { embeddedPastConnections } from './past-connections.js';
import { embeddedPendingKeys } from './pending-keys.js';
import { embeddedProfiles } from './profiles.js';

interface RegistryOptions {
  readonly retention?: Retention;
  /** The time by the wall clock: ISO 8601, UTC. */
  readonly now?: () => string;
}

const usualRetention: Retention = { days: 90, connections: 100 };

/**
 * Opens the registry in a state folder that the caller owns, and creates it where there is none.
 * @throws CALLHOME_STATE_UNUSABLE; so does every method of the registry when its file fails
 */
export async function openEmbeddedRegistry(
  folder: string,
  { retention = usualRetention, now = () => new Date().toISOString() }: RegistryOptions = {},
): Promise<Registry> {
  const store = await openDatabase(folder);
  const past = embeddedPastConnections(store, retention);
  const pending = embeddedPendingKeys(store);
  const devices = embeddedDevices(store, past, pending, now);
  const connections = embeddedConnections(store, past);
  const listeners = new Set<(change: RegistryChange) => void>();
  const tell = (change: RegistryChange): void => {
    for (const listener of listeners) listener(change);
  };

  return {
    async add(device) {
      tell({ kind: 'added', device: devices.add(device) });
    },
    async change(id, change) {
      const device = devices.change(id, change);
      if (device) tell({ kind: 'changed', device });
      return device !== undefined;
    },
    async bring(rows) {
      const brought = devices.bring(rows);
      for (const row of brought) if ('device' in row) tell(row);
      return brought;
    },
    async rename(id, to) {
      const renamed = devices.rename(id, to);
      if (renamed && id !== to) tell({ kind: 'renamed', id, to });
      return renamed;
    },
    async approve(fingerprint, device) {
      tell(devices.approve(fingerprint, device));
    },
    get: async (id) => devices.get(id),
    withHostKey: async (blob) => devices.withHostKey(blob),
    list: devices.list,
    count: async () => devices.count(),
    async remove(id) {
      const removed = devices.remove(id);
      if (removed) tell({ kind: 'removed', id });
      return removed;
    },
    async connected(id, holder, facts) {
      if (connections.connected(id, holder, facts))
        tell({ kind: 'held', id, holder, remoteAddress: facts.remoteAddress });
    },
    disconnected: async (...ended) => connections.disconnected(...ended),
    release: async (...released) => connections.release(...released),
    callFailed: async (...failed) => connections.callFailed(...failed),
    profiles: embeddedProfiles(store),
    pending,
    past,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => store.close(),
  };
}

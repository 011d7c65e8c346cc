import type { DeviceDefinition, Registry, RegistryChange } from '../registry/registry.js';

/** The registry's host keys in memory: who a device is must be decided at once, in the middle of a handshake. */
export interface KnownKeys {
  /** The device that has this host key, in the SSH wire format. */
  find(blob: Buffer): DeviceDefinition | undefined;
  /** Ends following the registry. */
  stop(): void;
}

/** Reads the registry's keys, and follows its changes. */
export async function followKnownKeys(registry: Registry): Promise<KnownKeys> {
  const byKey = new Map<string, DeviceDefinition>();
  const byId = new Map<string, DeviceDefinition>();
  const forget = (id: string): void => {
    for (const key of byId.get(id)?.hostKeys ?? []) byKey.delete(key.blob);
    byId.delete(id);
  };
  const know = ({ id, hostKeys, user, labels }: DeviceDefinition): void => {
    forget(id);
    // Without the capabilities and the history that a record from the list has besides.
    const device = { id, hostKeys, labels, ...(user !== undefined && { user }) };
    byId.set(id, device);
    for (const key of hostKeys) byKey.set(key.blob, device);
  };
  // Watched before it is read: what changes meanwhile comes after what was read.
  let meanwhile: RegistryChange[] | undefined = [];
  const apply = (change: RegistryChange): void => {
    if (change.kind === 'added') know(change.device);
    else forget(change.id);
  };
  const stop = registry.watch((change) => {
    if (meanwhile) meanwhile.push(change);
    else apply(change);
  });
  try {
    for await (const device of registry.list()) know(device);
  } catch (error) {
    stop();
    throw error;
  }
  for (const change of meanwhile) apply(change);
  meanwhile = undefined;
  return { find: (blob) => byKey.get(blob.toString('base64')), stop };
}

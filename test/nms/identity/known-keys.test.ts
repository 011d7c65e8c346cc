import { followKnownKeys } from '@callhome/nms/identity/known-keys.js';
import type {
  DeviceDefinition,
  DeviceRecord,
  Registry,
  RegistryChange,
} from '@callhome/nms/registry/registry.js';
import { expect, test } from 'vitest';

function device(id: string, blob: string): DeviceRecord {
  const hostKeys = [{ type: 'ssh-ed25519', blob, fingerprint: `SHA256:${blob}` }];
  const capabilities = ['urn:ietf:params:netconf:base:1.1'];
  return { id, hostKeys, user: 'u', labels: {}, state: 'disconnected', connections: 1, capabilities };
}

/** A registry elsewhere: what it lists may be old by the time it comes, and changes are told while it does. */
function remoteRegistry(list: (tell: (change: RegistryChange) => void) => AsyncIterable<DeviceRecord>) {
  const watchers = new Set<(change: RegistryChange) => void>();
  const tell = (change: RegistryChange) => {
    for (const watcher of watchers) watcher(change);
  };
  const unexpected = () => Promise.reject(new Error('not expected here'));
  const registry: Registry = {
    add: unexpected,
    get: unexpected,
    list: () => list(tell),
    count: unexpected,
    remove: unexpected,
    connected: unexpected,
    disconnected: unexpected,
    callFailed: unexpected,
    close: unexpected,
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
  return { registry, tell, watchers };
}

const blob = (text: string) => Buffer.from(text, 'base64');

test('changes while the list is read count after it, in their order', async () => {
  const { registry, tell } = remoteRegistry(async function* (tell) {
    yield device('a', 'AAAA');
    tell({ kind: 'removed', id: 'a' });
    tell({ kind: 'added', device: device('b', 'AAAA') });
    tell({ kind: 'added', device: device('d', 'DDDD') });
    tell({ kind: 'removed', id: 'c' });
    // From before it was removed.
    yield device('c', 'CCCC');
  });
  const keys = await followKnownKeys(registry);
  expect(keys.find(blob('AAAA'))?.id).toBe('b');
  expect(keys.find(blob('CCCC'))).toBeUndefined();
  expect(keys.find(blob('DDDD'))?.id).toBe('d');
  tell({ kind: 'removed', id: 'd' });
  expect(keys.find(blob('DDDD'))).toBeUndefined();
  keys.stop();
  tell({ kind: 'added', device: device('e', 'EEEE') });
  expect(keys.find(blob('EEEE'))).toBeUndefined();
});

test('of each device no more is held than who it is', async () => {
  const { registry } = remoteRegistry(async function* () {
    yield device('a', 'AAAA');
  });
  const found: DeviceDefinition | undefined = (await followKnownKeys(registry)).find(blob('AAAA'));
  expect(Object.keys(found ?? {}).toSorted()).toEqual(['hostKeys', 'id', 'labels', 'user']);
});

test('a registry that cannot be read is not watched any further', async () => {
  const { registry, watchers } = remoteRegistry(async function* () {
    yield device('a', 'AAAA');
    throw new Error('gone');
  });
  await expect(followKnownKeys(registry)).rejects.toThrow('gone');
  expect(watchers.size).toBe(0);
});

import { reasonOf } from '@callhome/shared/errors.js';
import type { Registry } from '../registry/registry.js';
import type { CollectorEvent, Emit } from './events.js';

/** Keeps in the registry what happens to each device. */
export interface History {
  readonly follow: Emit;
  /** Resolves when the registry has all that happened so far. */
  settled(): Promise<void>;
}

/** Begins at once, and does not throw. */
async function attempt(write: () => Promise<unknown>): Promise<void> {
  await write();
}

/** The registry's trouble, such as a full disk, is an event too, and ends nothing. */
export function keepHistory(registry: Registry, owner: string, emit: Emit): History {
  /** What the registry has still to learn of each device and key, in the order in which it happened. */
  const stories = new Map<string, Promise<void>>();

  function tell(about: string, write: () => Promise<unknown>): void {
    const before = stories.get(about);
    // At once where nothing waits: what the log tells next is in the registry by then.
    const story: Promise<void> = (before ? before.then(() => attempt(write)) : attempt(write))
      .catch((error) => emit({ kind: 'registry-failed', about, reason: reasonOf(error) }))
      .then(() => {
        if (stories.get(about) === story) stories.delete(about);
      });
    stories.set(about, story);
  }

  function follow(event: CollectorEvent): void {
    switch (event.kind) {
      case 'stranger-called': {
        const { key, call } = event;
        tell(key.fingerprint, () => registry.pending.seen(key, call));
        return;
      }
      case 'call-failed': {
        const { device, failure } = event;
        if (device !== undefined) tell(device, () => registry.callFailed(device, failure));
        return;
      }
      case 'device-connected': {
        const { device, call, facts } = event;
        tell(device, () => registry.connected(device, { owner, connection: call.connection }, facts));
        return;
      }
      case 'device-disconnected': {
        const { device, call, facts, end } = event;
        tell(device, () => registry.disconnected(device, { owner, connection: call.connection }, facts, end));
        return;
      }
    }
  }

  return {
    follow,
    async settled() {
      while (stories.size > 0) await Promise.all(stories.values());
    },
  };
}

import type { CallStage, Registry } from '@callhome/nms/registry/registry.js';
import type { TestApi } from './api.js';
import { fakeDevice } from './fake-fleet.js';

export const hourMs = 3_600_000;

const before = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();

/** A connection that a device had, or has where it has no end. Both milliseconds ago. */
export async function hadConnection(
  registry: Registry,
  id: string,
  from: number,
  to?: number,
): Promise<void> {
  const holder = { owner: 'collector', connection: from };
  const facts = {
    transport: 'ssh' as const,
    remoteAddress: '192.0.2.1 port 4000',
    hostKey: 'SHA256:a',
    sessionId: 1,
    capabilities: ['urn:x'],
    connectedAt: before(from),
  };
  await registry.connected(id, holder, facts);
  if (to === undefined) return;
  const bytes = { received: 1000, sent: 20 };
  const end = { at: before(to), code: 'CALLHOME_PEER_VANISHED', reason: 'the peer has vanished', bytes };
  await registry.disconnected(id, holder, facts, end);
}

/**
 * One device of each kind: `away` was lost two hours ago, `here` is connected after it was away, `new` has never called,
 * `sent-off` was lost three hours ago and is refused since.
 */
export async function addFleet({ registry, fleet }: TestApi): Promise<void> {
  const add = (id: string, labels: Readonly<Record<string, string>>) =>
    registry.add({ id, hostKeys: [], labels });
  await registry.profiles.add('core', {});
  await add('away', { site: 'berlin', rack: '1' });
  await add('here', { site: 'berlin', rack: '2' });
  await registry.add({ id: 'new', hostKeys: [], labels: { site: 'paris=x' }, profile: 'core' });
  await add('sent-off', {});
  await hadConnection(registry, 'away', 5 * hourMs, 2 * hourMs);
  await hadConnection(registry, 'here', 5 * hourMs, 4 * hourMs);
  await hadConnection(registry, 'here', hourMs);
  fleet.devices.set('here', fakeDevice());
  await hadConnection(registry, 'sent-off', 5 * hourMs, 3 * hourMs);
  const stage: CallStage = 'log-in';
  await registry.callFailed('sent-off', {
    at: before(1000),
    remoteAddress: '192.0.2.9 port 9',
    stage,
    code: 'CALLHOME_AUTHENTICATION_FAILED',
    reason: 'no key is let in',
  });
}

import type {
  ConnectionFacts,
  DeviceDefinition,
  DeviceRecord,
  Holder,
  Registry,
} from '@callhome/nms/registry/registry.js';

/** When everything happens, unless a test says otherwise. */
export const now = '2026-03-04T05:06:07.000Z';

export const end = (at: string, reason: string) => ({ at, code: 'CALLHOME_STOPPED', reason });

/** A collector's connections, one after the other. */
export const held = (connection: number, owner = 'collector'): Holder => ({ owner, connection });

export const key = (blob: string) => ({ type: 'ssh-ed25519', blob, fingerprint: `SHA256:${blob}` });

/** A device, as the registry has it when it was added. */
export function device(id: string, ...blobs: string[]): DeviceDefinition {
  const hostKeys = blobs.map((blob) => ({ ...key(blob), origin: 'added' as const, learnedAt: now }));
  return { id, hostKeys, settings: { user: 'netconf' }, profileSettings: {}, labels: { site: 'berlin' } };
}

export const facts: ConnectionFacts = {
  transport: 'ssh',
  remoteAddress: '[2001:db8::1]:40000',
  hostKey: 'SHA256:a',
  sessionId: 4_294_967_295,
  capabilities: ['urn:ietf:params:netconf:base:1.1', 'urn:example:ü\u0000'],
  connectedAt: '2026-03-04T05:00:00.000Z',
};

/** All devices of a registry. */
export async function all(registry: Registry): Promise<DeviceRecord[]> {
  const records: DeviceRecord[] = [];
  for await (const record of registry.list()) records.push(record);
  return records;
}

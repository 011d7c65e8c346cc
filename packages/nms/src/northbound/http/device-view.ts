import { z } from 'zod';
import type { DeviceRecord } from '../../registry/registry.js';
import type { ApiContext } from './call.js';

/** A device as the API shows it; what is not known is null, so that programs see one shape. Times are ISO 8601, UTC. */
export const deviceView = z.object({
  id: z.string(),
  state: z.enum(['connected', 'disconnected']),
  transport: z.string().nullable(),
  remoteAddress: z.string().nullable(),
  /** The fingerprint of the host key that it proved last. */
  hostKey: z.string().nullable(),
  /** Whom the collector logs in as; null where the device has no user of its own and the listeners' differ. */
  user: z.string().nullable(),
  /** Of the collector's own session; null when there is none. */
  sessionId: z.number().nullable(),
  capabilities: z.array(z.string()).readonly().nullable(),
  /** How many more capabilities it had than are kept of a device that is not connected. */
  capabilitiesDropped: z.number(),
  connectedAt: z.string().nullable(),
  /** Of the last connection that ended, as is `reason`. */
  disconnectedAt: z.string().nullable(),
  reason: z.string().nullable(),
  /** Its last call, where that proved its key and came no further. */
  lastAttempt: z
    .object({ at: z.string(), remoteAddress: z.string(), code: z.string(), reason: z.string() })
    .nullable(),
  /** Another address that uses its key, in turns with this one: most likely that of a copy. */
  likelyClone: z.string().nullable(),
  connections: z.number(),
  labels: z.record(z.string(), z.string()),
  hostKeys: z.array(z.object({ type: z.string(), blob: z.string(), fingerprint: z.string() })).readonly(),
});

export type DeviceView = z.infer<typeof deviceView>;

/** What the registry keeps of a device and what is live of it, as one. */
export function viewOf(
  record: DeviceRecord,
  { fleet, defaultUser }: Pick<ApiContext, 'fleet' | 'defaultUser'>,
): DeviceView {
  const connection = fleet.connection(record.id);
  return {
    id: record.id,
    state: connection ? 'connected' : 'disconnected',
    transport: record.transport ?? null,
    remoteAddress: record.remoteAddress ?? null,
    hostKey: record.hostKey ?? null,
    user: record.user ?? defaultUser ?? null,
    sessionId: connection?.session.sessionId ?? null,
    capabilities: connection?.session.capabilities ?? record.capabilities ?? null,
    capabilitiesDropped: connection ? 0 : (record.capabilitiesDropped ?? 0),
    connectedAt: record.connectedAt ?? null,
    disconnectedAt: record.disconnectedAt ?? null,
    reason: record.reason ?? null,
    lastAttempt: record.lastAttempt ?? null,
    likelyClone: fleet.likelyClone(record.id) ?? null,
    connections: record.connections,
    labels: { ...record.labels },
    hostKeys: record.hostKeys,
  };
}

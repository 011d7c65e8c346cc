import { z } from 'zod';
import type { DeviceConnection } from '../fleet.js';
import type { DeviceRecord } from '../registry/registry.js';

/** A device as the API shows it; what is not known is null, so that programs see one shape. Times are ISO 8601, UTC. */
export const deviceView = z.object({
  id: z.string(),
  state: z.enum(['connected', 'disconnected']),
  transport: z.string().nullable(),
  remoteAddress: z.string().nullable(),
  /** The fingerprint of the host key that it proved last. */
  hostKey: z.string().nullable(),
  user: z.string(),
  /** Of the collector's own session; null when there is none. */
  sessionId: z.number().nullable(),
  capabilities: z.array(z.string()).readonly().nullable(),
  /** How many more capabilities it had than are kept of a device that is not connected. */
  capabilitiesDropped: z.number(),
  connectedAt: z.string().nullable(),
  /** Of the last connection that ended, as is `reason`. */
  disconnectedAt: z.string().nullable(),
  reason: z.string().nullable(),
  connections: z.number(),
  labels: z.record(z.string(), z.string()),
  hostKeys: z.array(z.object({ type: z.string(), blob: z.string(), fingerprint: z.string() })).readonly(),
});

export type DeviceView = z.infer<typeof deviceView>;

/** What the registry keeps of a device and what is live of it, as one. */
export function viewOf(record: DeviceRecord, connection: DeviceConnection | undefined): DeviceView {
  return {
    id: record.id,
    state: connection ? 'connected' : 'disconnected',
    transport: record.transport ?? null,
    remoteAddress: record.remoteAddress ?? null,
    hostKey: record.hostKey ?? null,
    user: record.user,
    sessionId: connection?.session.sessionId ?? null,
    capabilities: connection?.session.capabilities ?? record.capabilities ?? null,
    capabilitiesDropped: connection ? 0 : (record.capabilitiesDropped ?? 0),
    connectedAt: record.connectedAt ?? null,
    disconnectedAt: record.disconnectedAt ?? null,
    reason: record.reason ?? null,
    connections: record.connections,
    labels: { ...record.labels },
    hostKeys: record.hostKeys,
  };
}

import { type Call, knownDevice } from './call.js';
import { sendJson } from './problem.js';
import type { ConnectionView, HistoryQuery } from './schemas.js';

/** How many connections are told, where nothing else is asked for. */
const usualHistory = 100;

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));

/** The connection that a device has; none where the registry has not heard of it yet. */
async function lasting(call: Call): Promise<ConnectionView[]> {
  const { state, connectedAt, remoteAddress, hostKey } = await knownDevice(call);
  const { connected, traffic } = await call.fleet.presence(call.device);
  if (!connected || state !== 'connected') return [];
  if (connectedAt === undefined || remoteAddress === undefined || hostKey === undefined) return [];
  return [
    {
      from: connectedAt,
      to: null,
      seconds: secondsBetween(connectedAt, new Date().toISOString()),
      remoteAddress,
      hostKey,
      bytes: traffic ?? null,
      code: null,
      reason: null,
    },
  ];
}

/** GET /v1/devices/{id}/history */
export async function showHistory(call: Call, { limit = usualHistory }: HistoryQuery): Promise<void> {
  const live = await lasting(call);
  const past = await call.registry.past.list(call.device, limit - live.length);
  const ended = past.map(({ connectedAt, at, remoteAddress, hostKey, bytes, code, reason }) => ({
    from: connectedAt,
    to: at,
    seconds: secondsBetween(connectedAt, at),
    remoteAddress,
    hostKey,
    bytes: bytes ?? null,
    code,
    reason,
  }));
  sendJson(call.response, 200, [...live, ...ended] satisfies ConnectionView[]);
}

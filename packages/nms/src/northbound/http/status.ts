import type { Call } from './call.js';
import { sendJson } from './problem.js';
import type { StatusView } from './schemas.js';

/** GET /v1/status */
export async function showStatus(call: Call): Promise<void> {
  const view: StatusView = {
    version: call.version,
    startedAt: call.startedAt.toISOString(),
    devices: await call.registry.count(),
    connected: await call.fleet.connected(),
    counters: call.counters.read(),
  };
  sendJson(call.response, 200, view);
}

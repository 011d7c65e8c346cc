import type { Call } from './call.js';
import { sendJson } from './problem.js';

/** GET /v1/status */
export async function showStatus(call: Call): Promise<void> {
  const devices = await call.registry.list();
  sendJson(call.response, 200, {
    version: call.version,
    startedAt: call.startedAt.toISOString(),
    devices: devices.length,
    connected: devices.filter(({ id }) => call.fleet.connection(id)).length,
    counters: call.fleet.counters(),
  });
}

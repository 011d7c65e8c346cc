import { CallhomeError } from '@callhome/shared/errors.js';
import { fingerprint, publicKeysFromText, weakness } from '@callhome/shared/ssh/public-key.js';
import { downOf } from '../../registry/down.js';
import { isFlapping } from '../../registry/flapping.js';
import type { HostKey } from '../../registry/host-key.js';
import { defaultProfile } from '../../registry/profiles.js';
import type { DeviceRecord } from '../../registry/registry.js';
import { settled } from '../../registry/settings.js';
import { type ApiContext, bodyOf, type Call, knownDevice } from './call.js';
import { sendJson, sendJsonArray } from './problem.js';
import {
  type ChangeQuery,
  type DevicesQuery,
  type DeviceView,
  deviceChange,
  deviceRequest,
  renameRequest,
} from './schemas.js';
import { selection } from './selection.js';

/** What the registry keeps of a device and what is live of it, as one. */
export async function viewOf(
  record: DeviceRecord,
  { fleet, flapping, defaultSettings }: Pick<ApiContext, 'fleet' | 'flapping' | 'defaultSettings'>,
): Promise<DeviceView> {
  const live = await fleet.presence(record.id);
  return {
    id: record.id,
    state: live.connected ? 'connected' : 'disconnected',
    transport: record.transport ?? null,
    remoteAddress: record.remoteAddress ?? null,
    hostKey: record.hostKey ?? null,
    user: settled(defaultSettings, record.profileSettings, record.settings).user ?? null,
    sessionId: live.sessionId ?? null,
    capabilities: live.capabilities ?? record.capabilities ?? null,
    capabilitiesDropped: live.capabilities ? 0 : (record.capabilitiesDropped ?? 0),
    connectedAt: record.connectedAt ?? null,
    disconnectedAt: record.disconnectedAt ?? null,
    reason: record.reason ?? null,
    lastAttempt: record.lastAttempt ? { stage: null, ...record.lastAttempt } : null,
    down: downOf(record, live.connected),
    flapping: isFlapping(record.recentEnds ?? [], flapping, Date.now()),
    likelyClone: live.likelyClone ?? null,
    connections: record.connections,
    labels: { ...record.labels },
    hostKeys: record.hostKeys.map(({ learnedAt = null, provedAt = null, ...key }) => ({
      ...key,
      learnedAt,
      provedAt,
    })),
    description: record.description ?? null,
    profile: record.profile ?? defaultProfile,
    settings: record.settings,
  };
}

/** GET /v1/devices */
export async function listDevices(call: Call, query: DevicesQuery): Promise<void> {
  const { capabilities = true } = query;
  const isWanted = selection(query, Date.now());
  await sendJsonArray(call.response, call.registry.list({ capabilities }), async (record) => {
    const view = await viewOf(record, call);
    if (!isWanted(view)) return undefined;
    return capabilities ? view : { ...view, capabilities: null };
  });
}

/** GET /v1/devices/{id} */
export async function showDevice(call: Call): Promise<void> {
  const record = await knownDevice(call);
  sendJson(call.response, 200, await viewOf(record, call));
}

/**
 * The host keys that are said in OpenSSH's form.
 * @param what names the list
 * @throws CALLHOME_KEY_INVALID, for keys too that say nothing of who shows them
 */
export function hostKeysOf(lines: readonly string[], what: string, { ownKeys }: Call): HostKey[] {
  return lines.flatMap((line, index) =>
    publicKeysFromText(line, `${what}.${index}`).map((key) => {
      const why = ownKeys.some((own) => own.equals(key.blob))
        ? "it is the collector's own, which devices let in: give the device's host key"
        : weakness(key);
      if (why !== undefined)
        throw new CallhomeError('CALLHOME_KEY_INVALID', { what: `${what}.${index}`, why });
      return { type: key.type, blob: key.blob.toString('base64'), fingerprint: fingerprint(key.blob) };
    }),
  );
}

/** PUT /v1/devices/{id} */
export async function addDevice(call: Call): Promise<void> {
  const { hostKeys, user, settings, labels = {}, ...said } = await bodyOf(call, deviceRequest);
  await call.registry.add({
    ...said,
    id: call.device,
    hostKeys: hostKeysOf(hostKeys, 'hostKeys', call),
    settings: { ...settings, ...(user !== undefined && { user }) },
    labels,
  });
  call.emit({ kind: 'device-added', device: call.device });
  sendJson(call.response, 201, await viewOf(await knownDevice(call), call));
}

/** PATCH /v1/devices/{id} */
export async function changeDevice(call: Call, { reconnect }: ChangeQuery): Promise<void> {
  const { addKeys, ...change } = await bodyOf(call, deviceChange);
  const { device } = call;
  const keys = hostKeysOf(addKeys ?? [], 'addKeys', call);
  if (!(await call.registry.change(device, { ...change, addKeys: keys })))
    throw new CallhomeError('CALLHOME_DEVICE_UNKNOWN', { device });
  if (keys.length > 0 || Object.keys(change).length > 0) call.emit({ kind: 'device-changed', device });
  if (reconnect === 'true')
    await call.fleet.end(device, new CallhomeError('CALLHOME_DEVICE_CHANGED', { what: 'the device' }));
  sendJson(call.response, 200, await viewOf(await knownDevice(call), call));
}

/** POST /v1/devices/{id}/rename. Its connection ends: it is known by its new id when it calls again. */
export async function renameDevice(call: Call): Promise<void> {
  const { to } = await bodyOf(call, renameRequest);
  const { device } = call;
  if (!(await call.registry.rename(device, to)))
    throw new CallhomeError('CALLHOME_DEVICE_UNKNOWN', { device });
  if (to !== device) call.emit({ kind: 'device-renamed', device, to });
  sendJson(call.response, 200, await viewOf(await knownDevice({ ...call, device: to }), call));
}

/** DELETE /v1/devices/{id} */
export async function removeDevice(call: Call): Promise<void> {
  if (!(await call.registry.remove(call.device))) {
    throw new CallhomeError('CALLHOME_DEVICE_UNKNOWN', { device: call.device });
  }
  call.emit({ kind: 'device-removed', device: call.device });
  call.response.writeHead(204).end();
}

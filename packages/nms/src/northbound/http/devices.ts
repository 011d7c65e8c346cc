import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CallhomeError } from '@callhome/shared/errors.js';
import {
  fingerprint,
  type PublicKey,
  publicKeysFromText,
  weakness,
} from '@callhome/shared/ssh/public-key.js';
import { defaultProfile } from '../../registry/profiles.js';
import type { DeviceRecord } from '../../registry/registry.js';
import { settled } from '../../registry/settings.js';
import { jsonOf, readBody } from './body.js';
import { type ApiContext, type Call, knownDevice, valid } from './call.js';
import { sendJson } from './problem.js';
import { type DeviceView, deviceRequest } from './schemas.js';

const maxBytes = 256 * 1024;

/** What the registry keeps of a device and what is live of it, as one. */
async function viewOf(
  record: DeviceRecord,
  { fleet, defaultUser }: Pick<ApiContext, 'fleet' | 'defaultUser'>,
): Promise<DeviceView> {
  const live = await fleet.presence(record.id);
  return {
    id: record.id,
    state: live.connected ? 'connected' : 'disconnected',
    transport: record.transport ?? null,
    remoteAddress: record.remoteAddress ?? null,
    hostKey: record.hostKey ?? null,
    user: settled(record.profileSettings, record.settings).user ?? defaultUser ?? null,
    sessionId: live.sessionId ?? null,
    capabilities: live.capabilities ?? record.capabilities ?? null,
    capabilitiesDropped: live.capabilities ? 0 : (record.capabilitiesDropped ?? 0),
    connectedAt: record.connectedAt ?? null,
    disconnectedAt: record.disconnectedAt ?? null,
    reason: record.reason ?? null,
    lastAttempt: record.lastAttempt ?? null,
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

/** The JSON array of all devices, piece by piece. */
async function* arrayOfDevices(call: Call): AsyncGenerator<string> {
  let before = '[';
  for await (const record of call.registry.list()) {
    yield `${before}${JSON.stringify(await viewOf(record, call))}`;
    before = ',\n';
  }
  yield before === '[' ? '[]\n' : ']\n';
}

/** GET /v1/devices */
export async function listDevices(call: Call): Promise<void> {
  const pieces = arrayOfDevices(call);
  // The first one before the answer begins: a registry that fails is a failure, not half an answer.
  const first = await pieces.next();
  call.response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  call.response.write(first.value);
  await pipeline(Readable.from(pieces), call.response);
}

/** GET /v1/devices/{id} */
export async function showDevice(call: Call): Promise<void> {
  const record = await knownDevice(call);
  sendJson(call.response, 200, await viewOf(record, call));
}

/** @throws CALLHOME_KEY_INVALID, for keys too that say nothing of who shows them */
function hostKeysOf(line: string, what: string, { ownKeys }: Call): PublicKey[] {
  return publicKeysFromText(line, what).map((key) => {
    const why = ownKeys.some((own) => own.equals(key.blob))
      ? "it is the collector's own, which devices let in: give the device's host key"
      : weakness(key);
    if (why !== undefined) throw new CallhomeError('CALLHOME_KEY_INVALID', { what, why });
    return key;
  });
}

/** PUT /v1/devices/{id} */
export async function addDevice(call: Call): Promise<void> {
  const body = await readBody(call.request, maxBytes, 'the body');
  const { hostKeys, user, labels } = valid(deviceRequest, jsonOf(body), 'body');
  const keys = hostKeys.flatMap((line, index) => hostKeysOf(line, `hostKeys.${index}`, call));
  await call.registry.add({
    id: call.device,
    hostKeys: keys.map(({ type, blob }) => ({
      type,
      blob: blob.toString('base64'),
      fingerprint: fingerprint(blob),
    })),
    labels: labels ?? {},
    ...(user !== undefined && { settings: { user } }),
  });
  call.emit({ kind: 'device-added', device: call.device });
  sendJson(call.response, 201, await viewOf(await knownDevice(call), call));
}

/** DELETE /v1/devices/{id} */
export async function removeDevice(call: Call): Promise<void> {
  if (!(await call.registry.remove(call.device))) {
    throw new CallhomeError('CALLHOME_DEVICE_UNKNOWN', { device: call.device });
  }
  call.emit({ kind: 'device-removed', device: call.device });
  call.response.writeHead(204).end();
}

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CallhomeError } from '@callhome/shared/errors.js';
import {
  fingerprint,
  type PublicKey,
  publicKeysFromText,
  weakness,
} from '@callhome/shared/ssh/public-key.js';
import { z } from 'zod';
import { jsonOf, readBody } from './body.js';
import { type Call, knownDevice, valid } from './call.js';
import { viewOf } from './device-view.js';
import { sendJson } from './problem.js';

const maxBytes = 256 * 1024;

const labelRule = 'a label is 1 to 63 letters, digits, ".", "_", "/" and "-"';

const printable = z.string().regex(/^\P{Cc}*$/u, 'control characters are not allowed');

/** What an operator says of a new device. */
export const deviceRequest = z.strictObject({
  /** OpenSSH's form, TYPE BASE64 [COMMENT]. */
  hostKeys: z.array(z.string().max(16_384)).min(1).max(16),
  user: printable.min(1).max(255).optional(),
  labels: z
    .unknown()
    // zod's record passes over this one.
    .refine((labels) => !Object.hasOwn(Object(labels), '__proto__'), labelRule)
    .pipe(z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, labelRule), printable.max(255)))
    .refine((labels) => Object.keys(labels).length <= 64, 'at most 64 labels')
    .optional(),
});

export type DeviceRequest = z.infer<typeof deviceRequest>;

/** The JSON array of all devices, piece by piece. */
async function* arrayOfDevices(call: Call): AsyncGenerator<string> {
  let before = '[';
  for await (const record of call.registry.list()) {
    yield `${before}${JSON.stringify(viewOf(record, call))}`;
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
  sendJson(call.response, 200, viewOf(record, call));
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
    ...(user !== undefined && { user }),
  });
  call.log.info({ device: call.device }, 'device added');
  sendJson(call.response, 201, viewOf(await knownDevice(call), call));
}

/** DELETE /v1/devices/{id} */
export async function removeDevice(call: Call): Promise<void> {
  if (!(await call.registry.remove(call.device))) {
    throw new CallhomeError('CALLHOME_DEVICE_UNKNOWN', { device: call.device });
  }
  call.fleet.disconnect(call.device, 'the device was removed');
  call.log.info({ device: call.device }, 'device removed');
  call.response.writeHead(204).end();
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { CallhomeError, isCallhomeError } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { z } from 'zod';
import type { Counters } from '../../events/counters.js';
import type { Emit } from '../../events/events.js';
import type { Fleet, ReachedDevice } from '../../fleet/fleet.js';
import { downOf, downWords } from '../../registry/down.js';
import type { FlappingRule } from '../../registry/flapping.js';
import type { DeviceRecord, Registry } from '../../registry/registry.js';
import type { DeviceSettings } from '../../registry/settings.js';
import { jsonOf, readBody } from './body.js';
import type { Operations } from './operations.js';

/** What the API serves. */
export interface ApiContext {
  readonly registry: Registry;
  readonly fleet: Fleet;
  readonly emit: Emit;
  readonly counters: Pick<Counters, 'read'>;
  readonly log: Log;
  readonly version: string;
  readonly startedAt: Date;
  readonly flapping: FlappingRule;
  /** Those of the profile `default`, which the configuration says. */
  readonly defaultSettings: DeviceSettings;
  /** The collector's own public keys, in the SSH wire format: never a device's. */
  readonly ownKeys: readonly Buffer[];
}

/** One request of the API, authorised and routed. */
export interface Call extends ApiContext {
  readonly operations: Operations;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The device that the path names; empty where it names none. */
  readonly device: string;
  /** The profile that the path names; empty where it names none. */
  readonly profile: string;
  /** The fingerprint that the path names, or its beginning; empty where it names none. */
  readonly fingerprint: string;
  /** What came after the headers of a request that upgrades; empty for any other. */
  readonly head: Buffer;
}

/** @throws CALLHOME_REQUEST_INVALID with the first thing that is wrong in `what` */
export function valid<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [what, ...(issue?.path ?? [])].map(String).join('.');
  throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: `${where}: ${issue?.message}` });
}

/** The largest body of a request about devices and profiles. Bytes. */
const maxBody = 256 * 1024;

/** The JSON body of a request. @throws CALLHOME_REQUEST_INVALID, CALLHOME_MESSAGE_TOO_LARGE */
export async function bodyOf<T extends z.ZodType>(call: Call, schema: T): Promise<z.output<T>> {
  return valid(schema, jsonOf(await readBody(call.request, maxBody, 'the body')), 'body');
}

/** @throws CALLHOME_DEVICE_UNKNOWN */
export async function knownDevice(call: Call): Promise<DeviceRecord> {
  const record = await call.registry.get(call.device);
  if (!record) throw new CallhomeError('CALLHOME_DEVICE_UNKNOWN', { device: call.device });
  return record;
}

/** @throws CALLHOME_DEVICE_NOT_CONNECTED with the reason, CALLHOME_DEVICE_UNKNOWN */
export async function reachDevice(call: Call): Promise<ReachedDevice> {
  try {
    return await call.fleet.reach(call.device);
  } catch (error) {
    if (!isCallhomeError(error, 'CALLHOME_DEVICE_NOT_CONNECTED')) throw error;
    const down = downOf(await knownDevice(call), false);
    throw new CallhomeError(error.code, { ...error.facts, ...(down && { why: downWords(down) }) }, error);
  }
}

/** What the API's server and its client both know. */
import { z } from 'zod';
import { deviceId } from '../../registry/device-id.js';
import { profileName } from '../../registry/profiles.js';
import { callStages } from '../../registry/registry.js';
import { deviceSettings, settingsChange } from '../../registry/settings.js';

/**
 * Where things are; `{id}` stands for a device's id, `{profile}` for a profile's name, and `{fingerprint}` for a key's, or
 * the beginning of one, percent-encoded.
 */
export const paths = {
  status: '/v1/status',
  devices: '/v1/devices',
  device: '/v1/devices/{id}',
  rename: '/v1/devices/{id}/rename',
  history: '/v1/devices/{id}/history',
  rpc: '/v1/devices/{id}/rpc',
  netconf: '/v1/devices/{id}/netconf',
  profiles: '/v1/profiles',
  profile: '/v1/profiles/{profile}',
  pending: '/v1/pending',
  pendingKey: '/v1/pending/{fingerprint}',
  approve: '/v1/pending/{fingerprint}/approve',
  reject: '/v1/pending/{fingerprint}/reject',
  import: '/v1/import',
  export: '/v1/export',
} as const;

/** An error: a code of the catalogue, and its words. */
export const problem = z.object({ code: z.string(), message: z.string() });

export type Problem = z.infer<typeof problem>;

/** The collector itself. */
export const statusView = z.object({
  version: z.string(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
  /** How many devices are known, and how many of them are connected. */
  devices: z.number(),
  connected: z.number(),
  /** Since the start, by name. */
  counters: z.record(z.string(), z.number()).readonly(),
});

export type StatusView = z.infer<typeof statusView>;

/** A device as the API shows it; what is not known is null, so that programs see one shape. Times are ISO 8601, UTC. */
export const deviceView = z.object({
  id: z.string(),
  state: z.enum(['connected', 'disconnected']),
  transport: z.string().nullable(),
  remoteAddress: z.string().nullable(),
  /** The fingerprint of the host key that it proved last. */
  hostKey: z.string().nullable(),
  /** Whom the collector logs in as; null where neither the device nor its profile has a user, and the listeners' differ. */
  user: z.string().nullable(),
  /** Of the collector's own session; null when there is none. */
  sessionId: z.number().nullable(),
  /** Null too where they were not asked for. */
  capabilities: z.array(z.string()).readonly().nullable(),
  /** How many more capabilities it had than are kept of a device that is not connected. */
  capabilitiesDropped: z.number(),
  connectedAt: z.string().nullable(),
  /** Of the last connection that ended, as is `reason`. */
  disconnectedAt: z.string().nullable(),
  reason: z.string().nullable(),
  /** Its last call, where that proved its key and came no further. */
  lastAttempt: z
    .object({
      at: z.string(),
      remoteAddress: z.string(),
      /** How far it came: what failed. */
      stage: z.enum(callStages).nullable(),
      code: z.string(),
      reason: z.string(),
    })
    .nullable(),
  /** Why it is not connected; null when it is. */
  down: z
    .object({
      /** It has not proved its key yet, its last connection has ended, or its last call has failed after that. */
      kind: z.enum(['never-called', 'lost', 'refused']),
      /** From when on it is not there: the end of its last connection, or the time from which it is known. */
      since: z.string().nullable(),
      /** When it was lost or refused. */
      at: z.string().nullable(),
      code: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable(),
  /** Whether its last connections ended soon one after the other. */
  flapping: z.boolean(),
  /** Another address that uses its key, in turns with this one: most likely that of a copy. */
  likelyClone: z.string().nullable(),
  connections: z.number(),
  labels: z.record(z.string(), z.string()),
  hostKeys: z
    .array(
      z.object({
        type: z.string(),
        blob: z.string(),
        fingerprint: z.string(),
        /** How it came: an operator gave it, or approved of it. */
        origin: z.enum(['added', 'approved']),
        /** Null of keys that are older than the record of it. */
        learnedAt: z.string().nullable(),
        /** When the device last came under management with it. */
        provedAt: z.string().nullable(),
      }),
    )
    .readonly(),
  description: z.string().nullable(),
  profile: z.string(),
  /** Its own: what it says otherwise than its profile. */
  settings: deviceSettings,
});

export type DeviceView = z.infer<typeof deviceView>;

/** The longest time that a list may ask for. Seconds. */
export const maxDownForSeconds = 100 * 365 * 86_400;

/** Which devices a list is of, and what it tells of each: all of all, where it is not said. */
export const devicesQuery = z.strictObject({
  state: z.enum(['connected', 'disconnected']).optional(),
  /** Each `NAME=VALUE`: a device has them all. */
  label: z
    .array(z.string().regex(/^[^=]+=/, 'must be NAME=VALUE'))
    .readonly()
    .optional(),
  profile: z.string().optional(),
  /** Seconds: those that have not been there for so long, and those of which that is not known. */
  downFor: z.coerce.number().positive().max(maxDownForSeconds).optional(),
  /** They are most of what there is. */
  capabilities: z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive' }).optional(),
});

export type DevicesQuery = z.infer<typeof devicesQuery>;

/** A connection that a device has had, or has. Times are ISO 8601, UTC. */
export const connectionView = z.object({
  from: z.string(),
  /** Null while it lasts, as are `code` and `reason`. */
  to: z.string().nullable(),
  seconds: z.number(),
  remoteAddress: z.string(),
  /** The fingerprint of the host key that it proved. */
  hostKey: z.string(),
  /** Null where the collector did not live to tell. */
  bytes: z.object({ received: z.number(), sent: z.number() }).nullable(),
  /** Why it ended: a code of the catalogue, and the words. */
  code: z.string().nullable(),
  reason: z.string().nullable(),
});

export type ConnectionView = z.infer<typeof connectionView>;

/** The most entries of a history that are told at once. */
export const maxHistory = 10_000;

export const historyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(maxHistory).optional(),
});

export type HistoryQuery = z.infer<typeof historyQuery>;

const labelRule = 'a label is 1 to 63 letters, digits, ".", "_", "/" and "-"';

const printable = z.string().regex(/^\P{Cc}*$/u, 'control characters are not allowed');

const anyLabelsOf = <V extends z.ZodType>(value: V) =>
  z
    .unknown()
    // zod's record passes over this one.
    .refine((labels) => !Object.hasOwn(Object(labels), '__proto__'), labelRule)
    .pipe(z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, labelRule), value));

const labelsOf = <V extends z.ZodType>(value: V) =>
  anyLabelsOf(value).refine((labels) => Object.keys(labels).length <= 64, 'at most 64 labels');

/** OpenSSH's form, TYPE BASE64 [COMMENT]. */
const keyLines = z.array(z.string().max(16_384)).min(1).max(16);

const description = printable.min(1).max(1000);

/** What an operator says of a new device. */
export const deviceRequest = z
  .strictObject({
    hostKeys: keyLines,
    /** Short for the setting. */
    user: deviceSettings.shape.user,
    profile: profileName.optional(),
    description: description.optional(),
    settings: deviceSettings.optional(),
    labels: labelsOf(printable.max(255)).optional(),
  })
  .refine(({ user, settings }) => user === undefined || settings?.user === undefined, {
    path: ['user'],
    error: 'is said twice: settings has it too',
  });

export type DeviceRequest = z.infer<typeof deviceRequest>;

/** What becomes of a device. What is left out stays; null takes away. */
export const deviceChange = z
  .strictObject({
    profile: profileName.nullable(),
    description: description.nullable(),
    settings: settingsChange,
    labels: labelsOf(printable.max(255).nullable()),
    addKeys: keyLines,
    /** By their fingerprints. */
    removeKeys: z.array(z.string().max(255)).min(1).max(16),
  })
  .partial();

export type DeviceChangeRequest = z.infer<typeof deviceChange>;

/** A line of an inventory: what becomes of a device, new or not. What is left out stays; null takes away. */
export const inventoryRow = z.strictObject({
  id: deviceId,
  /** All that it is to have; where there is none, nothing is said of them. */
  hostKeys: z.array(z.string().max(16_384)).max(16).optional(),
  profile: profileName.nullable().optional(),
  description: description.nullable().optional(),
  // As many as there are columns: those that are null take no room.
  labels: anyLabelsOf(printable.max(255).nullable()).optional(),
  settings: settingsChange.optional(),
});

export type InventoryRow = z.infer<typeof inventoryRow>;

/** The largest line of an inventory. Bytes. */
export const maxInventoryLine = 256 * 1024;

/** A line of an inventory that failed, and why. */
export const failedLine = z.object({ line: z.number(), ...problem.shape });

export type FailedLine = z.infer<typeof failedLine>;

/** How many lines of an inventory did what. */
export const importCounts = z.object({
  added: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  failed: z.number(),
});

export type ImportCounts = z.infer<typeof importCounts>;

/** The new id of a device. */
export const renameRequest = z.strictObject({ to: deviceId });

/** What the query of a change may say. */
export const changeQuery = z.strictObject({
  /** Whether the connections that it concerns end, so that the devices call again with what holds now. */
  reconnect: z.enum(['true', 'false']).optional(),
});

export type ChangeQuery = z.infer<typeof changeQuery>;

/** A profile as the API shows it. */
export const profileView = z.object({
  name: z.string(),
  settings: deviceSettings,
  /** How many devices have it. */
  devices: z.number(),
});

export type ProfileView = z.infer<typeof profileView>;

/** A new profile. */
export const profileRequest = z.strictObject({ settings: deviceSettings });

export type ProfileRequest = z.infer<typeof profileRequest>;

/** What becomes of a profile. What is left out stays; null takes away. */
export const profileChange = z.strictObject({ settings: settingsChange.optional() });

export type ProfileChange = z.infer<typeof profileChange>;
/** A key's fingerprint, or the beginning of one: as much of it as nobody finds another key for. */
export const fingerprintBeginning = z
  .string()
  .regex(
    /^SHA256:[A-Za-z0-9+/]{10,43}$/,
    'must be "SHA256:" and the fingerprint, or its first 10 characters or more',
  );

/** A key that a call has proved and that is no device's. Times are ISO 8601, UTC. */
export const pendingView = z.object({
  fingerprint: z.string(),
  type: z.string(),
  /** OpenSSH's form, TYPE BASE64. */
  key: z.string(),
  state: z.enum(['pending', 'rejected']),
  firstSeen: z.string(),
  lastSeen: z.string(),
  /** Of the last calls, as many as are kept, the last one behind. */
  lastCalls: z.array(z.string()).readonly(),
  calls: z.number(),
  /** Of the last call, as is what follows. */
  remoteAddress: z.string(),
  listener: z.string(),
  /** What the device said of itself before SSH, and how its SSH identifies itself: anybody can say anything. */
  said: z.string(),
});

export type PendingView = z.infer<typeof pendingView>;

/** Whose a pending key is to be. What is said of a device that is known already changes it. */
export const approvalRequest = z.strictObject({
  device: deviceId,
  profile: profileName.optional(),
  labels: deviceRequest.shape.labels,
  description: printable.max(1000).optional(),
  settings: deviceSettings.optional(),
});

export type ApprovalRequest = z.infer<typeof approvalRequest>;

/** The largest operation that a device is sent. Bytes. */
export const maxOperation = 16 * 1024 * 1024;

/** The longest silence that a caller may ask to wait for. Seconds. */
export const maxRpcTimeoutSeconds = 86_400;

/** What the query of an operation may say. */
export const rpcQuery = z.strictObject({
  /** Seconds, from the request to the first byte of the reply and between two pieces of it. */
  timeout: z.coerce.number().positive().max(maxRpcTimeoutSeconds).optional(),
});

export type RpcQuery = z.infer<typeof rpcQuery>;

/** The trailer that says how the device answered, known only at the end of its reply. */
export const outcomeTrailer = 'Callhome-Outcome';

/** `rpc-error` when the reply holds an `<rpc-error>` of severity error; `failed` when it is not whole. */
export const outcome = z.enum(['ok', 'rpc-error', 'failed']);

/** The trailer that says why a reply failed: a problem in JSON, ASCII alone. */
export const errorTrailer = 'Callhome-Error';

/** The name of the protocol inside the tunnel, for the Upgrade header (RFC 9110 §7.8). */
export const tunnelProtocol = 'netconf';

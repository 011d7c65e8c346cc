import { setImmediate as nextTurn } from 'node:timers/promises';
import { transports } from '@callhome/shared/connection/connection.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { z } from 'zod';
import { deviceId } from '../device-id.js';
import type { HostKey } from '../host-key.js';
import { defaultProfile } from '../profiles.js';
import {
  type CalledDevice,
  type ConnectionFacts,
  callStages,
  type DeviceChange,
  type DeviceDefinition,
  type DeviceReading,
  type DeviceRecord,
  type DeviceRow,
  type KeyOrigin,
  maxRecentEnds,
  type NewDevice,
  type RowOutcome,
} from '../registry.js';
import { changeOf } from '../rows.js';
import { deviceSettings } from '../settings.js';
import { json, type Store } from './database.js';
import type { EmbeddedPast } from './past-connections.js';
import type { EmbeddedPendingKeys } from './pending-keys.js';
import { changed } from './profiles.js';

/** Why a connection ended that a device had when it was renamed. */
const renamed = 'the device was renamed';

/** What a device may have. */
const most = { labels: 64, 'host keys': 16 } as const;

/** Devices that are read at once. */
const pageSize = 50;
/** Of a device's capabilities that are kept. Bytes in sum. */
const maxCapabilities = 256 * 1024;

const definitionColumns = `
  id, profile, description, settings, labels,
  coalesce((SELECT settings FROM profile WHERE name = device.profile), '{}') AS profile_settings,
  (SELECT json_group_array(json_object('type', type, 'blob', blob, 'fingerprint', fingerprint, 'origin', origin,
      'learnedAt', learned_at, 'provedAt', proved_at))
    FROM (SELECT * FROM host_key WHERE device = device.id ORDER BY host_key.rowid)) AS host_keys`;

const recentEnds = `
  (SELECT json_group_array(json_object('at', ended_at, 'code', code))
    FROM (SELECT ended_at, code FROM past_connection WHERE device = device.id ORDER BY id DESC LIMIT ${maxRecentEnds}))`;

const selectDevices = (capabilities: string) => `
  SELECT ${definitionColumns}, state, connections, facts, ${capabilities} AS capabilities, disconnected_at, reason, last_attempt,
    ${recentEnds} AS recent_ends FROM device`;

export const connectionFacts = z.object({
  transport: z.enum(transports),
  remoteAddress: z.string(),
  hostKey: z.string(),
  sessionId: z.number(),
  capabilitiesDropped: z.number(),
  connectedAt: z.string(),
});

const lastAttempt = z.object({
  at: z.string(),
  remoteAddress: z.string(),
  stage: z.enum(callStages).exactOptional(),
  code: z.string(),
  reason: z.string(),
});

const keyEntry = z
  .object({
    type: z.string(),
    blob: z.string(),
    fingerprint: z.string(),
    origin: z.enum(['added', 'approved']),
    learnedAt: z.string().nullable(),
    provedAt: z.string().nullable(),
  })
  .transform(({ learnedAt, provedAt, ...key }) => ({
    ...key,
    ...(learnedAt !== null && { learnedAt }),
    ...(provedAt !== null && { provedAt }),
  }));

const definitionRow = z.object({
  id: deviceId,
  profile: z.string().nullable(),
  description: z.string().nullable(),
  settings: json(deviceSettings),
  profile_settings: json(deviceSettings),
  labels: json(z.record(z.string(), z.string())),
  host_keys: json(z.array(keyEntry)),
});

const calledRow = definitionRow.pick({ id: true, settings: true, profile_settings: true }).optional();

const deviceRow = definitionRow.extend({
  state: z.enum(['connected', 'disconnected']),
  connections: z.number(),
  facts: json(connectionFacts).nullable(),
  capabilities: json(z.array(z.string())).nullable(),
  disconnected_at: z.string().nullable(),
  reason: z.string().nullable(),
  last_attempt: json(lastAttempt).nullable(),
  recent_ends: json(z.array(z.object({ at: z.string(), code: z.string() }))),
});

const keyOwner = z.object({ device: z.string() }).optional();

function definitionOf(row: z.infer<typeof definitionRow>): DeviceDefinition {
  const { id, profile, description, settings, profile_settings, labels, host_keys } = row;
  return {
    id,
    labels,
    hostKeys: host_keys,
    settings,
    profileSettings: profile_settings,
    ...(profile !== null && { profile }),
    ...(description !== null && { description }),
  };
}

function recordOf(row: unknown): DeviceRecord {
  const columns = deviceRow.parse(row);
  const { state, connections, facts, capabilities, disconnected_at, reason, last_attempt, recent_ends } =
    columns;
  return {
    ...definitionOf(columns),
    state,
    connections,
    ...facts,
    ...(capabilities !== null && { capabilities }),
    ...(disconnected_at !== null && { disconnectedAt: disconnected_at }),
    ...(reason !== null && { reason }),
    ...(last_attempt !== null && { lastAttempt: last_attempt }),
    ...(recent_ends.length > 0 && { recentEnds: recent_ends }),
  };
}

/** What is kept of a connection's facts: beside them the first capabilities, and how many there were besides. */
export function keptFacts({ capabilities: all, ...facts }: ConnectionFacts): {
  readonly facts: z.infer<typeof connectionFacts>;
  readonly capabilities: readonly string[];
} {
  let bytes = 0;
  const end = all.findIndex((capability) => {
    bytes += Buffer.byteLength(capability);
    return bytes > maxCapabilities;
  });
  const capabilities = end < 0 ? all : all.slice(0, end);
  return { facts: { ...facts, capabilitiesDropped: all.length - capabilities.length }, capabilities };
}

/** What became of a row, and of its device. */
type BroughtRow =
  | { readonly kind: 'added' | 'changed'; readonly device: DeviceDefinition }
  | Extract<RowOutcome, { kind: 'failed' }>
  | { readonly kind: 'unchanged' };

/** What operators say of devices. Each change is durable when it returns. */
export interface EmbeddedDevices {
  /** @throws CALLHOME_DEVICE_EXISTS, CALLHOME_HOST_KEY_TAKEN, CALLHOME_PROFILE_UNKNOWN */
  add(device: NewDevice): DeviceDefinition;
  /** @throws CALLHOME_HOST_KEY_TAKEN, CALLHOME_HOST_KEY_NOT_ITS, CALLHOME_PROFILE_UNKNOWN, CALLHOME_DEVICE_FULL */
  change(id: string, change: DeviceChange): DeviceDefinition | undefined;
  /** Adds or changes the devices of rows together, those aside that fail. */
  bring(rows: readonly DeviceRow[]): readonly BroughtRow[];
  /** Makes a pending key a device's, known or not. @throws CALLHOME_KEY_NOT_PENDING, and as `add` */
  approve(
    fingerprint: string,
    device: Omit<NewDevice, 'hostKeys'>,
  ): { readonly kind: 'added' | 'changed'; readonly device: DeviceDefinition };
  /** @throws CALLHOME_DEVICE_EXISTS */
  rename(id: string, to: string): boolean;
  remove(id: string): boolean;
  get(id: string): DeviceRecord | undefined;
  withHostKey(blob: string): CalledDevice | undefined;
  list(reading?: DeviceReading): AsyncIterable<DeviceRecord>;
  count(): number;
}

export function embeddedDevices(
  { db, attempt, durably, aside }: Store,
  past: EmbeddedPast,
  pending: Pick<EmbeddedPendingKeys, 'findNow' | 'take'>,
  now: () => string,
): EmbeddedDevices {
  const getDevice = db.prepare(`${selectDevices('capabilities')} WHERE id = ?`);
  const page = `WHERE id > ? ORDER BY id LIMIT ${pageSize}`;
  const listDevices = db.prepare(`${selectDevices('capabilities')} ${page}`);
  const listWithout = db.prepare(`${selectDevices('NULL')} ${page}`);
  const countDevices = db.prepare('SELECT count(*) AS n FROM device');
  const getDefinition = db.prepare(`SELECT ${definitionColumns} FROM device WHERE id = ?`);
  const getCalled = db.prepare(
    `SELECT device.id AS id, device.settings AS settings, coalesce(profile.settings, '{}') AS profile_settings
      FROM host_key JOIN device ON device.id = host_key.device LEFT JOIN profile ON profile.name = device.profile
      WHERE host_key.blob = ?`,
  );
  const getKeyOwner = db.prepare('SELECT device FROM host_key WHERE blob = ?');
  const hasProfile = db.prepare('SELECT 1 FROM profile WHERE name = ?');
  const insertDevice = db.prepare(
    'INSERT INTO device (id, profile, description, settings, labels) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const updateDevice = db.prepare(
    'UPDATE device SET profile = ?, description = ?, settings = ?, labels = ? WHERE id = ?',
  );
  const renameDevice = db.prepare(
    `UPDATE OR IGNORE device SET id = ?, state = 'disconnected', owner = NULL, connection = NULL,
      disconnected_at = iif(state = 'connected', ?, disconnected_at),
      reason = iif(state = 'connected', ?, reason) WHERE id = ?`,
  );
  const deleteDevice = db.prepare('DELETE FROM device WHERE id = ?');
  const insertKey = db.prepare(
    'INSERT INTO host_key (blob, device, type, fingerprint, origin, learned_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const deleteKey = db.prepare('DELETE FROM host_key WHERE device = ? AND fingerprint = ?');

  function definition(id: string): DeviceDefinition | undefined {
    const row = getDefinition.get(id);
    return row === undefined ? undefined : definitionOf(definitionRow.parse(row));
  }

  function addKeys(device: string, keys: readonly HostKey[], origin: KeyOrigin): void {
    for (const key of keys) {
      const { blob, type, fingerprint } = key;
      const owner = keyOwner.parse(getKeyOwner.get(blob))?.device;
      if (owner === device) continue;
      if (owner !== undefined)
        throw new CallhomeError('CALLHOME_HOST_KEY_TAKEN', { fingerprint, device: owner });
      insertKey.run(blob, device, type, fingerprint, origin, now());
      pending.take(key);
    }
  }

  /** A profile as a device's row has it: null is the one that is in no registry. */
  function keptProfile(profile: string | null | undefined): string | null {
    if (profile == null || profile === defaultProfile) return null;
    if (hasProfile.get(profile) === undefined)
      throw new CallhomeError('CALLHOME_PROFILE_UNKNOWN', { profile });
    return profile;
  }

  /** Changes add to what is there, one by one: none of them brings more than a device may have. */
  function checkRoom(former: DeviceDefinition): void {
    const counts = ({ labels, hostKeys }: DeviceDefinition) => ({
      labels: Object.keys(labels).length,
      'host keys': hostKeys.length,
    });
    const [before, after] = [counts(former), counts(there(former.id))];
    for (const what of ['labels', 'host keys'] as const) {
      if (after[what] > Math.max(most[what], before[what]))
        throw new CallhomeError('CALLHOME_DEVICE_FULL', { device: former.id, what, most: most[what] });
    }
  }

  function insert(device: Omit<NewDevice, 'hostKeys'>): void {
    const { id, profile, description, settings = {}, labels } = device;
    const { changes } = insertDevice.run(
      id,
      keptProfile(profile),
      description ?? null,
      JSON.stringify(settings),
      JSON.stringify(labels),
    );
    if (changes === 0) throw new CallhomeError('CALLHOME_DEVICE_EXISTS', { device: id });
  }

  function update(former: DeviceDefinition, change: DeviceChange, origin: KeyOrigin): void {
    const { id } = former;
    const {
      profile = former.profile ?? null,
      description = former.description ?? null,
      settings = {},
      labels = {},
      addKeys: added = [],
      removeKeys = [],
    } = change;
    const kept = Object.entries({ ...former.labels, ...labels }).filter(([, value]) => value !== null);
    updateDevice.run(
      keptProfile(profile),
      description,
      JSON.stringify(changed(former.settings, settings)),
      JSON.stringify(Object.fromEntries(kept)),
      id,
    );
    addKeys(id, added, origin);
    for (const fingerprint of removeKeys) {
      if (deleteKey.run(id, fingerprint).changes === 0)
        throw new CallhomeError('CALLHOME_HOST_KEY_NOT_ITS', { device: id, fingerprint });
    }
    checkRoom(former);
  }

  /** What is there now, after a change that it has survived. */
  function there(id: string): DeviceDefinition {
    const found = definition(id);
    if (!found) throw new Error(`${id} is gone`);
    return found;
  }

  /** @throws as `add` and `change` do */
  function bringOne(row: DeviceRow): BroughtRow {
    const former = definition(row.id);
    if (!former) insert({ id: row.id, labels: {} });
    const change = changeOf(row, former ?? there(row.id));
    if (change) update(former ?? there(row.id), change, 'added');
    else if (former) return { kind: 'unchanged' };
    return { kind: former ? 'changed' : 'added', device: there(row.id) };
  }

  return {
    bring: (rows) =>
      durably(() =>
        rows.map((row): BroughtRow => {
          try {
            return aside(() => bringOne(row));
          } catch (error) {
            if (error instanceof CallhomeError) return { kind: 'failed', error };
            throw error;
          }
        }),
      ),
    add: (device) =>
      durably(() => {
        insert(device);
        addKeys(device.id, device.hostKeys, 'added');
        return there(device.id);
      }),
    change: (id, change) =>
      durably(() => {
        const former = definition(id);
        if (!former) return undefined;
        update(former, change, 'added');
        return there(id);
      }),
    approve: (fingerprint, device) =>
      durably(() => {
        const key = pending.findNow(fingerprint);
        const former = definition(device.id);
        const { id, ...change } = device;
        if (former) update(former, { ...change, addKeys: [key] }, 'approved');
        else {
          insert(device);
          addKeys(id, [key], 'approved');
        }
        return { kind: former ? 'changed' : 'added', device: there(id) };
      }),
    rename: (id, to) =>
      durably(() => {
        const row = getDevice.get(id);
        if (row === undefined) return false;
        if (id === to) return true;
        const { state, facts } = deviceRow.parse(row);
        const at = now();
        if (state === 'connected' && facts) {
          const end = { at, code: 'CALLHOME_DISCONNECTED', reason: renamed };
          past.add(id, { ...facts, ...end });
        }
        if (renameDevice.run(to, at, renamed, id).changes === 0)
          throw new CallhomeError('CALLHOME_DEVICE_EXISTS', { device: to });
        return true;
      }),
    remove: (id) => durably(() => deleteDevice.run(id).changes > 0),
    get: (id) =>
      attempt(() => {
        const row = getDevice.get(id);
        return row === undefined ? undefined : recordOf(row);
      }),
    withHostKey: (blob) =>
      attempt(() => {
        const row = calledRow.parse(getCalled.get(blob));
        return row && { id: row.id, settings: row.settings, profileSettings: row.profile_settings };
      }),
    async *list({ capabilities = true } = {}) {
      const listPage = capabilities ? listDevices : listWithout;
      for (let last = ''; ; ) {
        const page = attempt(() => listPage.all(last).map(recordOf));
        yield* page;
        last = page.at(-1)?.id ?? last;
        if (page.length < pageSize) return;
        // Others have their turn between pages.
        await nextTurn();
      }
    },
    count: () => attempt(() => z.object({ n: z.number() }).parse(countDevices.get()).n),
  };
}

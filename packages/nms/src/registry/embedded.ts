import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { transports } from '@callhome/shared/connection/connection.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import Database from 'libsql';
import { z } from 'zod';
import { deviceId } from './device-id.js';
import { applicationId, migrate } from './migrations.js';
import type { DeviceDefinition, DeviceRecord, Registry, RegistryChange } from './registry.js';

/** Devices that are read at once. */
const pageSize = 50;
/** Of a device's capabilities that are kept. Bytes in sum. */
const maxCapabilities = 256 * 1024;

const hostKeys = `
  (SELECT json_group_array(json_object('type', type, 'blob', blob, 'fingerprint', fingerprint))
    FROM (SELECT type, blob, fingerprint FROM host_key WHERE device = device.id ORDER BY host_key.rowid)) AS host_keys`;

const selectDefinition = `SELECT id, user, labels, ${hostKeys} FROM device`;

const selectDevices = `
  SELECT id, user, labels, state, connections, facts, disconnected_at, reason, last_attempt, ${hostKeys}
  FROM device`;

/** A column that holds JSON. */
function json<T extends z.ZodType>(content: T) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('it is not JSON');
        return z.NEVER;
      }
    })
    .pipe(content);
}

const connectionFacts = z.object({
  transport: z.enum(transports),
  remoteAddress: z.string(),
  hostKey: z.string(),
  sessionId: z.number(),
  capabilities: z.array(z.string()),
  capabilitiesDropped: z.number(),
  connectedAt: z.string(),
});

const lastAttempt = z.object({
  at: z.string(),
  remoteAddress: z.string(),
  code: z.string(),
  reason: z.string(),
});

const definitionRow = z.object({
  id: deviceId,
  user: z.string().nullable(),
  labels: json(z.record(z.string(), z.string())),
  host_keys: json(z.array(z.object({ type: z.string(), blob: z.string(), fingerprint: z.string() }))),
});

const deviceRow = definitionRow.extend({
  state: z.enum(['connected', 'disconnected']),
  connections: z.number(),
  facts: json(connectionFacts).nullable(),
  disconnected_at: z.string().nullable(),
  reason: z.string().nullable(),
  last_attempt: json(lastAttempt).nullable(),
});

const keyOwner = z.object({ device: z.string() }).optional();

function definitionOf({ id, user, labels, host_keys }: z.infer<typeof definitionRow>): DeviceDefinition {
  return { id, labels, hostKeys: host_keys, ...(user === null ? {} : { user }) };
}

function recordOf(row: unknown): DeviceRecord {
  const columns = deviceRow.parse(row);
  const { state, connections, facts, disconnected_at, reason, last_attempt } = columns;
  return {
    ...definitionOf(columns),
    state,
    connections,
    ...facts,
    ...(disconnected_at === null ? {} : { disconnectedAt: disconnected_at }),
    ...(reason === null ? {} : { reason }),
    ...(last_attempt === null ? {} : { lastAttempt: last_attempt }),
  };
}

/** The first capabilities, as many as are kept. */
function keptCapabilities(all: readonly string[]): readonly string[] {
  let bytes = 0;
  const end = all.findIndex((capability) => {
    bytes += Buffer.byteLength(capability);
    return bytes > maxCapabilities;
  });
  return end < 0 ? all : all.slice(0, end);
}

/**
 * Makes the file where it is missing, and private. Another program's is told by SQLite's header, and stays as it is:
 * SQLite would put files of its own beside it.
 */
async function claimFile(path: string): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    const header = Buffer.alloc(72);
    const { bytesRead } = await file.read(header, 0, header.length, 0);
    if (bytesRead > 0 && header.readUInt32BE(68) !== applicationId)
      throw new Error('it belongs to another program');
    // SQLite gives its journal the mode of the database, so this is the mode of all three files.
    await file.chmod(0o600);
  } finally {
    await file.close();
  }
}

/** Brings a database of any version to this program's; it must be whole. */
function prepareSchema(db: Database.Database): void {
  const pragma = (name: string) =>
    Object.values(z.array(z.record(z.string(), z.unknown())).parse(db.pragma(name))[0] ?? {})[0];
  const damage = pragma('quick_check(1)');
  if (damage !== 'ok') throw new Error(`it is damaged: ${damage}`);
  db.pragma('foreign_keys = OFF');
  migrate(z.number().parse(pragma('user_version')), (script) => db.exec(script));
}

/**
 * Opens the registry in a state folder that the caller owns, and creates it where there is none.
 * @throws CALLHOME_STATE_UNUSABLE; so does every method of the registry when its file fails
 */
export async function openEmbeddedRegistry(folder: string): Promise<Registry> {
  const path = join(folder, 'registry.db');
  const failed = (error: unknown) =>
    error instanceof CallhomeError
      ? error
      : new CallhomeError(
          'CALLHOME_STATE_UNUSABLE',
          { dir: folder, why: `registry.db: ${reasonOf(error)}` },
          error,
        );
  let db: Database.Database;
  try {
    await claimFile(path);
    db = new Database(path);
  } catch (error) {
    throw failed(error);
  }
  try {
    return registryOn(db, failed);
  } catch (error) {
    db.close();
    throw failed(error);
  }
}

function registryOn(db: Database.Database, failed: (error: unknown) => CallhomeError): Registry {
  db.pragma('busy_timeout = 5000');
  // Before the journal is a separate file: from the first write on the header tells whose database it is.
  prepareSchema(db);
  db.pragma('journal_mode = WAL');
  db.pragma('foreign_keys = ON');
  // NORMAL: a killed process loses nothing and a power cut at most the last connections, which are over by then;
  // hundreds of call homes a second need not wait for the disk. What an operator was told is done is made durable.
  db.pragma('synchronous = NORMAL');
  const durably = <T>(change: () => T): T => {
    db.pragma('synchronous = FULL');
    try {
      db.exec('BEGIN IMMEDIATE');
      const result = change();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      // Where the disk is full SQLite has rolled back already.
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    } finally {
      db.pragma('synchronous = NORMAL');
    }
  };
  const getDevice = db.prepare(`${selectDevices} WHERE id = ?`);
  const listDevices = db.prepare(`${selectDevices} WHERE id > ? ORDER BY id LIMIT ${pageSize}`);
  const countDevices = db.prepare('SELECT count(*) AS n FROM device');
  const getOwner = db.prepare('SELECT device FROM host_key WHERE blob = ?');
  const getDeviceWithKey = db.prepare(
    `${selectDefinition} WHERE id = (SELECT device FROM host_key WHERE blob = ?)`,
  );
  const addDevice = db.prepare(
    'INSERT INTO device (id, user, labels) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const addKey = db.prepare('INSERT INTO host_key (blob, device, type, fingerprint) VALUES (?, ?, ?, ?)');
  const setDefinition = db.prepare('UPDATE device SET user = ?, labels = ? WHERE id = ?');
  const removeKeys = db.prepare('DELETE FROM host_key WHERE device = ?');
  const removeDevice = db.prepare('DELETE FROM device WHERE id = ?');
  const setConnected = db.prepare(
    `UPDATE device SET state = 'connected', owner = ?, connection = ?, connections = connections + 1, facts = ?,
      last_attempt = NULL WHERE id = ?`,
  );
  const disconnect = `
    UPDATE device SET state = 'disconnected', owner = NULL, connection = NULL, disconnected_at = ?, reason = ?`;
  const setDisconnected = db.prepare(`${disconnect} WHERE id = ? AND owner = ? AND connection = ?`);
  const releaseAll = db.prepare(`${disconnect} WHERE owner = ?`);
  const setLastAttempt = db.prepare('UPDATE device SET last_attempt = ? WHERE id = ?');

  const listeners = new Set<(change: RegistryChange) => void>();
  const tell = (change: RegistryChange) => {
    for (const listener of listeners) listener(change);
  };
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw failed(error);
    }
  };

  const addKeys = ({ id, hostKeys }: DeviceDefinition): void => {
    for (const { blob, type, fingerprint } of hostKeys) {
      const owner = keyOwner.parse(getOwner.get(blob))?.device;
      if (owner === id) continue;
      if (owner !== undefined)
        throw new CallhomeError('CALLHOME_HOST_KEY_TAKEN', { fingerprint, device: owner });
      addKey.run(blob, id, type, fingerprint);
    }
  };

  return {
    async add(device) {
      attempt(() =>
        durably(() => {
          const added = addDevice.run(device.id, device.user ?? null, JSON.stringify(device.labels));
          if (added.changes === 0) throw new CallhomeError('CALLHOME_DEVICE_EXISTS', { device: device.id });
          addKeys(device);
        }),
      );
      tell({ kind: 'added', device });
    },
    async change(device) {
      const { id, user, labels } = device;
      const changed = attempt(() =>
        durably(() => {
          if (setDefinition.run(user ?? null, JSON.stringify(labels), id).changes === 0) return false;
          removeKeys.run(id);
          addKeys(device);
          return true;
        }),
      );
      if (changed) tell({ kind: 'changed', device });
      return changed;
    },
    async get(id) {
      return attempt(() => {
        const row = getDevice.get(id);
        return row === undefined ? undefined : recordOf(row);
      });
    },
    async withHostKey(blob) {
      return attempt(() => {
        const row = getDeviceWithKey.get(blob);
        return row === undefined ? undefined : definitionOf(definitionRow.parse(row));
      });
    },
    async *list() {
      for (let last = ''; ; ) {
        const page = attempt(() => listDevices.all(last).map(recordOf));
        yield* page;
        last = page.at(-1)?.id ?? last;
        if (page.length < pageSize) return;
        // Others have their turn between pages.
        await nextTurn();
      }
    },
    async count() {
      return attempt(() => z.object({ n: z.number() }).parse(countDevices.get()).n);
    },
    async remove(id) {
      const removed = attempt(() => durably(() => removeDevice.run(id).changes > 0));
      if (removed) tell({ kind: 'removed', id });
      return removed;
    },
    async connected(id, holder, facts) {
      const capabilities = keptCapabilities(facts.capabilities);
      const capabilitiesDropped = facts.capabilities.length - capabilities.length;
      const kept = JSON.stringify({ ...facts, capabilities, capabilitiesDropped });
      const { changes } = attempt(() => setConnected.run(holder.owner, holder.connection, kept, id));
      if (changes > 0) tell({ kind: 'held', id, holder, remoteAddress: facts.remoteAddress });
    },
    async disconnected(id, { owner, connection }, at, reason) {
      attempt(() => setDisconnected.run(at, reason, id, owner, connection));
    },
    async release(owner, at, reason) {
      attempt(() => releaseAll.run(at, reason, owner));
    },
    async callFailed(id, call) {
      attempt(() => setLastAttempt.run(JSON.stringify(call), id));
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      try {
        db.pragma('wal_checkpoint(TRUNCATE)');
      } catch {
        // A full disk: the next start reads what the journal holds.
      }
      attempt(() => db.close());
    },
  };
}

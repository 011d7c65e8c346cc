import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import Database from 'libsql';
import { z } from 'zod';
import { applicationId, migrate } from './migrations.js';

/** The registry's database. What fails in it is CALLHOME_STATE_UNUSABLE. */
export interface Store {
  readonly db: Database.Database;
  /** Does something, such as reading. @throws CALLHOME_STATE_UNUSABLE, and what `work` throws of the catalogue */
  attempt<T>(work: () => T): T;
  /** Makes a change whole or not at all, that a killed process keeps. @throws as `attempt` */
  together<T>(change: () => T): T;
  /**
   * Makes a change whole or not at all, that is on the disk when this returns.
   * @throws as `attempt`
   */
  durably<T>(change: () => T): T;
  /** A part of a change, whole or not at all: where it throws, the rest goes on without it. @throws what `part` throws */
  aside<T>(part: () => T): T;
  close(): void;
}

/** A column that holds JSON. */
export function json<T extends z.ZodType>(content: T) {
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

function prepare(db: Database.Database): void {
  db.pragma('busy_timeout = 5000');
  // Before the journal is a separate file: from the first write on the header tells whose database it is.
  prepareSchema(db);
  db.pragma('journal_mode = WAL');
  db.pragma('foreign_keys = ON');
  // NORMAL: a killed process loses nothing and a power cut at most the last connections, which are over by then;
  // hundreds of call homes a second need not wait for the disk. What an operator was told is done is made durable.
  db.pragma('synchronous = NORMAL');
}

/**
 * Opens the registry's database in a state folder that the caller owns, and creates it where there is none.
 * @throws CALLHOME_STATE_UNUSABLE
 */
export async function openDatabase(folder: string): Promise<Store> {
  const path = join(folder, 'registry.db');
  const failed = (error: unknown) =>
    error instanceof CallhomeError
      ? error
      : new CallhomeError(
          'CALLHOME_STATE_UNUSABLE',
          { dir: folder, why: `registry.db: ${reasonOf(error)}` },
          error,
        );
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw failed(error);
    }
  };
  await claimFile(path).catch((error) => Promise.reject(failed(error)));
  const db = attempt(() => new Database(path));
  try {
    prepare(db);
  } catch (error) {
    db.close();
    throw failed(error);
  }
  const together = <T>(change: () => T): T =>
    attempt(() => {
      try {
        db.exec('BEGIN IMMEDIATE');
        const result = change();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        // Where the disk is full SQLite has rolled back already.
        if (db.inTransaction) db.exec('ROLLBACK');
        throw error;
      }
    });
  return {
    db,
    attempt,
    together,
    durably: (change) =>
      attempt(() => {
        db.pragma('synchronous = FULL');
        try {
          return together(change);
        } finally {
          db.pragma('synchronous = NORMAL');
        }
      }),
    aside(part) {
      db.exec('SAVEPOINT part');
      try {
        return part();
      } catch (error) {
        // Where the disk is full all has been rolled back already.
        if (db.inTransaction) db.exec('ROLLBACK TO part');
        throw error;
      } finally {
        if (db.inTransaction) db.exec('RELEASE part');
      }
    },
    close() {
      try {
        db.pragma('wal_checkpoint(TRUNCATE)');
      } catch {
        // A full disk: the next start reads what the journal holds.
      }
      attempt(() => db.close());
    },
  };
}

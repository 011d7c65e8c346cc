/** "chnr" in the file's header: a database of another program is never taken for ours. */
export const applicationId = 0x63686e72;

/**
 * The registry's tables: each script makes the next version of the one before it, the first one of an empty database.
 * They are only ever added to.
 */
const migrations: readonly string[] = [
  `CREATE TABLE device (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'disconnected',
    connections INTEGER NOT NULL DEFAULT 0,
    facts TEXT,
    disconnected_at TEXT,
    reason TEXT
  ) STRICT;
  CREATE TABLE host_key (
    blob TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX host_key_blob ON host_key (blob);
  CREATE INDEX host_key_device ON host_key (device);
  PRAGMA application_id = ${applicationId};`,

  // The user may be the configuration's; the last call is kept where it failed. SQLite makes a column optional only so.
  `CREATE TABLE device_2 (
    id TEXT PRIMARY KEY,
    user TEXT,
    labels TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'disconnected',
    connections INTEGER NOT NULL DEFAULT 0,
    facts TEXT,
    disconnected_at TEXT,
    reason TEXT,
    last_attempt TEXT
  ) STRICT;
  INSERT INTO device_2 SELECT *, NULL FROM device;
  DROP TABLE device;
  ALTER TABLE device_2 RENAME TO device;`,

  // Who has the connection, while there is one. Before, it was the one collector.
  `ALTER TABLE device ADD COLUMN owner TEXT;
  ALTER TABLE device ADD COLUMN connection INTEGER;
  UPDATE device SET owner = 'collector', connection = 0 WHERE state = 'connected';`,

  // Settings of many, in profiles, and of each device, of which the user is one. What is referred to by a device's id
  // follows that. Where keys come from, those that wait for a word, and the connections that there have been.
  `CREATE TABLE profile (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL
  ) STRICT;
  ALTER TABLE device ADD COLUMN profile TEXT REFERENCES profile (name);
  ALTER TABLE device ADD COLUMN description TEXT;
  ALTER TABLE device ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
  UPDATE device SET settings = json_object('user', user) WHERE user IS NOT NULL;
  ALTER TABLE device DROP COLUMN user;
  CREATE INDEX device_profile ON device (profile);
  CREATE TABLE host_key_2 (
    blob TEXT NOT NULL,
    device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE ON UPDATE CASCADE,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    origin TEXT NOT NULL DEFAULT 'added',
    learned_at TEXT,
    proved_at TEXT
  ) STRICT;
  INSERT INTO host_key_2 (blob, device, type, fingerprint)
    SELECT blob, device, type, fingerprint FROM host_key ORDER BY rowid;
  DROP TABLE host_key;
  ALTER TABLE host_key_2 RENAME TO host_key;
  CREATE UNIQUE INDEX host_key_blob ON host_key (blob);
  CREATE INDEX host_key_device ON host_key (device);
  CREATE TABLE pending_key (
    fingerprint TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    blob TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    source TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    last_calls TEXT NOT NULL,
    calls INTEGER NOT NULL DEFAULT 1,
    remote_address TEXT NOT NULL,
    listener TEXT NOT NULL,
    said TEXT NOT NULL
  ) STRICT;
  CREATE INDEX pending_key_source ON pending_key (state, source, last_seen);
  CREATE INDEX pending_key_seen ON pending_key (last_seen, fingerprint);
  CREATE TABLE past_connection (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE ON UPDATE CASCADE,
    connected_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    remote_address TEXT NOT NULL,
    host_key TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    received INTEGER,
    sent INTEGER
  ) STRICT;
  CREATE INDEX past_connection_device ON past_connection (device, id);
  CREATE INDEX past_connection_end ON past_connection (ended_at);`,

  // Capabilities stand last, where nobody reads them who does not want them; the last ends are told by their index.
  // What a connection proves is noted with its facts, in one write.
  `ALTER TABLE device ADD COLUMN capabilities TEXT;
  UPDATE device SET capabilities = json_extract(facts, '$.capabilities'), facts = json_remove(facts, '$.capabilities')
    WHERE facts IS NOT NULL;
  DROP INDEX past_connection_device;
  CREATE INDEX past_connection_device ON past_connection (device, id, ended_at, code);
  CREATE TRIGGER host_key_proved AFTER UPDATE OF facts ON device
    BEGIN
      UPDATE host_key SET proved_at = json_extract(new.facts, '$.connectedAt')
        WHERE device = new.id AND fingerprint = json_extract(new.facts, '$.hostKey');
    END;`,
];

/**
 * Brings a database from `version` (0: empty) to this program's, a version at a time, each whole or not at all.
 * Foreign keys must be off: a table that is made anew is dropped in between.
 * @throws for one of a later version
 */
export function migrate(version: number, execute: (script: string) => void): void {
  if (version > migrations.length)
    throw new Error(`its version is ${version}, and this program knows those up to ${migrations.length}`);
  for (const [index, script] of migrations.entries()) {
    if (index >= version) execute(`BEGIN IMMEDIATE; ${script} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

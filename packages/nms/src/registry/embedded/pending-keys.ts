import { z } from 'zod';
import type { PendingKey, PendingKeys } from '../pending-keys.js';
import type { Store } from './database.js';

/** Keys that wait for a word: as many as an operator could ever look through, and of each source fewer. */
const maxPending = 10_000;
const maxOfSource = 1000;

const pendingRow = z
  .object({
    fingerprint: z.string(),
    type: z.string(),
    blob: z.string(),
    state: z.enum(['pending', 'rejected']),
    first_seen: z.string(),
    last_seen: z.string(),
    calls: z.number(),
    remote_address: z.string(),
    listener: z.string(),
    said: z.string(),
  })
  .transform(
    ({ first_seen, last_seen, remote_address, ...row }): PendingKey => ({
      ...row,
      firstSeen: first_seen,
      lastSeen: last_seen,
      remoteAddress: remote_address,
    }),
  );

const columns =
  'fingerprint, type, blob, state, first_seen, last_seen, calls, remote_address, listener, said';

export function embeddedPendingKeys({ db, attempt, durably }: Store): PendingKeys {
  const getKey = db.prepare(`SELECT ${columns} FROM pending_key WHERE fingerprint = ?`);
  const listKeys = db.prepare(`SELECT ${columns} FROM pending_key ORDER BY last_seen DESC, fingerprint`);
  const seeKey = db.prepare(
    `INSERT INTO pending_key (fingerprint, type, blob, source, first_seen, last_seen, remote_address, listener, said)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, calls = calls + 1, source = excluded.source,
        remote_address = excluded.remote_address, listener = excluded.listener, said = excluded.said
      RETURNING ${columns}`,
  );
  const count = z.object({ n: z.number() });
  const countPending = db.prepare("SELECT count(*) AS n FROM pending_key WHERE state = 'pending'");
  const countOfSource = db.prepare(
    "SELECT count(*) AS n FROM pending_key WHERE state = 'pending' AND source = ?",
  );
  const busiestSource = db.prepare(
    `SELECT source FROM pending_key WHERE state = 'pending' GROUP BY source ORDER BY count(*) DESC LIMIT 1`,
  );
  const dropOldest = db.prepare(
    `DELETE FROM pending_key WHERE fingerprint =
      (SELECT fingerprint FROM pending_key WHERE state = 'pending' AND source = ? ORDER BY last_seen LIMIT 1)`,
  );
  const setRejected = db.prepare("UPDATE pending_key SET state = 'rejected' WHERE fingerprint = ?");
  const dropKey = db.prepare('DELETE FROM pending_key WHERE fingerprint = ?');

  /** There is room for one more key of a source. */
  function makeRoom(source: string): void {
    if (count.parse(countOfSource.get(source)).n >= maxOfSource) dropOldest.run(source);
    else if (count.parse(countPending.get()).n >= maxPending)
      dropOldest.run(z.object({ source: z.string() }).parse(busiestSource.get()).source);
  }

  return {
    async seen({ fingerprint, type, blob }, { at, source, remoteAddress, listener, said }) {
      return attempt(() => {
        if (getKey.get(fingerprint) === undefined) makeRoom(source);
        return pendingRow.parse(
          seeKey.get(fingerprint, type, blob, source, at, at, remoteAddress, listener, said),
        );
      });
    },
    get: async (fingerprint) => attempt(() => pendingRow.optional().parse(getKey.get(fingerprint))),
    list: async () => attempt(() => z.array(pendingRow).parse(listKeys.all())),
    reject: async (fingerprint) => durably(() => setRejected.run(fingerprint).changes > 0),
    forget: async (fingerprint) => durably(() => dropKey.run(fingerprint).changes > 0),
  };
}

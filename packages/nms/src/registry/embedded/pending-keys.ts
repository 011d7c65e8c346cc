import { setImmediate as nextTurn } from 'node:timers/promises';
import { CallhomeError } from '@callhome/shared/errors.js';
import { z } from 'zod';
import type { HostKey } from '../host-key.js';
import type { PendingKey, PendingKeys } from '../pending-keys.js';
import { type SourceTally, tallySources } from '../source-tally.js';
import { json, type Store } from './database.js';

/** Keys that wait for a word: as many as an operator could ever look through, and of each source fewer. */
const maxPending = 10_000;
const maxOfSource = 1000;

/** Keys that are read at once. */
const pageSize = 50;

/** Of the last calls so many times are kept. */
const maxCallTimes = 10;

const callTimes = json(z.array(z.string()));

const pendingRow = z
  .object({
    fingerprint: z.string(),
    type: z.string(),
    blob: z.string(),
    state: z.enum(['pending', 'rejected']),
    first_seen: z.string(),
    last_seen: z.string(),
    last_calls: callTimes,
    calls: z.number(),
    remote_address: z.string(),
    listener: z.string(),
    said: z.string(),
  })
  .transform(
    ({ first_seen, last_seen, last_calls, remote_address, ...row }): PendingKey => ({
      ...row,
      firstSeen: first_seen,
      lastSeen: last_seen,
      lastCalls: last_calls,
      remoteAddress: remote_address,
    }),
  );

const columns =
  'fingerprint, type, blob, state, first_seen, last_seen, last_calls, calls, remote_address, listener, said';

const ownerRow = z.object({ device: z.string() }).optional();

/** Keys that wait for a word, and how one is taken from among them. */
export interface EmbeddedPendingKeys extends PendingKeys {
  /** @throws CALLHOME_KEY_NOT_PENDING, CALLHOME_FINGERPRINT_AMBIGUOUS */
  findNow(beginning: string): PendingKey;
  /** It waits for nobody any more, once the change that this is part of is made. */
  take(key: HostKey): void;
}

export function embeddedPendingKeys({ db, attempt, together, durably }: Store): EmbeddedPendingKeys {
  const getKey = db.prepare(`SELECT ${columns} FROM pending_key WHERE fingerprint = ?`);
  // A fingerprint holds nothing that comes behind "~".
  const findKeys = db.prepare(
    `SELECT ${columns} FROM pending_key WHERE fingerprint >= ? AND fingerprint < ? || '~' LIMIT 2`,
  );
  const findOwner = db.prepare(
    "SELECT device FROM host_key WHERE fingerprint >= ? AND fingerprint < ? || '~' LIMIT 1",
  );
  const listOrder = db
    .prepare('SELECT fingerprint FROM pending_key ORDER BY last_seen DESC, fingerprint DESC')
    .pluck();
  const getFormer = db.prepare('SELECT state, source, last_calls FROM pending_key WHERE fingerprint = ?');
  const former = z.object({ state: z.string(), source: z.string(), last_calls: callTimes }).optional();
  const isKnown = db.prepare('SELECT 1 FROM host_key WHERE blob = ?');
  const seeKey = db.prepare(
    `INSERT INTO pending_key (fingerprint, type, blob, source, first_seen, last_seen, last_calls, remote_address, listener,
        said)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, last_calls = excluded.last_calls, calls = calls + 1,
        source = excluded.source, remote_address = excluded.remote_address, listener = excluded.listener,
        said = excluded.said`,
  );
  const countBySource = db.prepare(
    `SELECT source, count(*) AS keys FROM pending_key WHERE state = 'pending' GROUP BY source ORDER BY max(last_seen)`,
  );
  const sourceRows = z.array(z.object({ source: z.string(), keys: z.number() }));
  const dropOldest = db.prepare(
    `DELETE FROM pending_key WHERE fingerprint =
      (SELECT fingerprint FROM pending_key WHERE state = 'pending' AND source = ? ORDER BY last_seen LIMIT 1)`,
  );
  const setRejected = db.prepare("UPDATE pending_key SET state = 'rejected' WHERE fingerprint = ?");
  const dropKey = db.prepare('DELETE FROM pending_key WHERE fingerprint = ?');
  const takeKey = db.prepare('DELETE FROM pending_key WHERE blob = ?');

  /**
   * To count costs a millisecond or two, which strangers could have spent as often as they like. So it is done at the
   * first call, and after what an operator did.
   */
  let tally: SourceTally | undefined;
  function counted(): SourceTally {
    tally ??= tallySources(sourceRows.parse(countBySource.all()).map(({ source, keys }) => [source, keys]));
    return tally;
  }

  /** There is room for one more key of a source. */
  function makeRoom(source: string, isNew: boolean): void {
    const sources = counted();
    const full = isNew && sources.total() >= maxPending ? sources.busiest() : undefined;
    const from = sources.of(source) >= maxOfSource ? source : full;
    if (from === undefined) return;
    dropOldest.run(from);
    sources.remove(from);
  }

  /** Counts a key that waits for a word, where it calls from now. */
  function count(source: string, before: string | undefined): void {
    if (before === source) {
      counted().heard(source);
      return;
    }
    makeRoom(source, before === undefined);
    counted().add(source);
    if (before !== undefined) counted().remove(before);
  }

  function findNow(beginning: string): PendingKey {
    const found = z.array(pendingRow).parse(findKeys.all(beginning, beginning));
    const [key, another] = found;
    if (another) throw new CallhomeError('CALLHOME_FINGERPRINT_AMBIGUOUS', { fingerprint: beginning });
    if (key) return key;
    const owner = ownerRow.parse(findOwner.get(beginning, beginning))?.device;
    throw new CallhomeError('CALLHOME_KEY_NOT_PENDING', { fingerprint: beginning, device: owner });
  }

  function change(what: typeof setRejected, fingerprint: string): boolean {
    tally = undefined;
    return durably(() => what.run(fingerprint).changes > 0);
  }

  return {
    async seen({ fingerprint, type, blob }, { at, source, remoteAddress, listener, said }) {
      try {
        together(() => {
          if (isKnown.get(blob) !== undefined) return;
          const before = former.parse(getFormer.get(fingerprint));
          if (before?.state !== 'rejected') count(source, before?.source);
          const times = JSON.stringify([...(before?.last_calls ?? []), at].slice(-maxCallTimes));
          seeKey.run(fingerprint, type, blob, source, at, at, times, remoteAddress, listener, said);
        });
      } catch (error) {
        // Nothing of it is in the database.
        tally = undefined;
        throw error;
      }
    },
    get: async (fingerprint) => attempt(() => pendingRow.optional().parse(getKey.get(fingerprint))),
    findNow,
    find: async (beginning) => attempt(() => findNow(beginning)),
    async *list() {
      const order = attempt(() => z.array(z.string()).parse(listOrder.all()));
      for (let at = 0; at < order.length; at += pageSize) {
        const page = order.slice(at, at + pageSize);
        // Some may have gone meanwhile.
        yield* attempt(() =>
          page.flatMap((fingerprint) => pendingRow.optional().parse(getKey.get(fingerprint)) ?? []),
        );
        await nextTurn();
      }
    },
    reject: async (fingerprint) => change(setRejected, fingerprint),
    forget: async (fingerprint) => change(dropKey, fingerprint),
    take({ blob }) {
      tally = undefined;
      takeKey.run(blob);
    },
  };
}

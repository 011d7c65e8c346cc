import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { PastConnection, PastConnections, Retention } from '../past-connections.js';
import type { Store } from './database.js';

/** Connections that are forgotten at once, and the pause until the next, in which others have their turns. */
const batch = 100;
const pauseMs = 10;

const dayMs = 24 * 60 * 60 * 1000;

const pastRow = z
  .object({
    connected_at: z.string(),
    ended_at: z.string(),
    remote_address: z.string(),
    host_key: z.string(),
    code: z.string(),
    reason: z.string(),
    received: z.number().nullable(),
    sent: z.number().nullable(),
  })
  .transform(
    ({ connected_at, ended_at, remote_address, host_key, received, sent, ...row }): PastConnection => ({
      ...row,
      connectedAt: connected_at,
      at: ended_at,
      remoteAddress: remote_address,
      hostKey: host_key,
      ...(received !== null && sent !== null && { bytes: { received, sent } }),
    }),
  );

/** The connections that have ended, and how one is added. */
export interface EmbeddedPast extends PastConnections {
  add(device: string, connection: PastConnection): void;
}

export function embeddedPastConnections({ db, attempt }: Store, retention: Retention): EmbeddedPast {
  const listPast = db.prepare(
    `SELECT connected_at, ended_at, remote_address, host_key, code, reason, received, sent
      FROM past_connection WHERE device = ? ORDER BY id DESC LIMIT ?`,
  );
  const addPast = db.prepare(
    `INSERT INTO past_connection
        (device, connected_at, ended_at, remote_address, host_key, code, reason, received, sent)
      SELECT id, ?, ?, ?, ?, ?, ?, ?, ? FROM device WHERE id = ?`,
  );
  const dropMany = db.prepare(
    `DELETE FROM past_connection WHERE device = ? AND id <=
      (SELECT id FROM past_connection WHERE device = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  );
  const dropOld = db.prepare(
    `DELETE FROM past_connection WHERE id IN
      (SELECT id FROM past_connection WHERE ended_at < ? ORDER BY ended_at LIMIT ${batch})`,
  );
  return {
    list: async (device, most) => attempt(() => z.array(pastRow).parse(listPast.all(device, most))),
    add(device, { connectedAt, at, remoteAddress, hostKey, code, reason, bytes }) {
      const { received = null, sent = null } = bytes ?? {};
      addPast.run(connectedAt, at, remoteAddress, hostKey, code, reason, received, sent, device);
      dropMany.run(device, device, retention.connections);
    },
    async prune(now, signal) {
      const before = new Date(Date.parse(now) - retention.days * dayMs).toISOString();
      while (!signal.aborted && attempt(() => dropOld.run(before).changes) === batch) await pause(pauseMs);
    },
  };
}

import { z } from 'zod';
import type { ConnectionEnd } from '../past-connections.js';
import type { ConnectionFacts, FailedCall, Holder } from '../registry.js';
import { json, type Store } from './database.js';
import { connectionFacts, keptFacts } from './devices.js';
import type { EmbeddedPast } from './past-connections.js';

/** What becomes of devices' connections. None of it waits for the disk. */
export interface EmbeddedConnections {
  /** Whether there is such a device. */
  connected(id: string, holder: Holder, facts: ConnectionFacts): boolean;
  disconnected(id: string, holder: Holder, facts: ConnectionFacts, end: ConnectionEnd): void;
  release(owner: string, end: ConnectionEnd): void;
  callFailed(id: string, call: FailedCall): void;
}

const heldRow = z.object({ id: z.string(), facts: json(connectionFacts) });

export function embeddedConnections({ db, attempt }: Store, past: EmbeddedPast): EmbeddedConnections {
  const setConnected = db.prepare(
    `UPDATE device SET state = 'connected', owner = ?, connection = ?, connections = connections + 1, facts = ?,
      capabilities = ?, last_attempt = NULL WHERE id = ?`,
  );
  const disconnect = `
    UPDATE device SET state = 'disconnected', owner = NULL, connection = NULL, disconnected_at = ?, reason = ?`;
  const setDisconnected = db.prepare(`${disconnect} WHERE id = ? AND owner = ? AND connection = ?`);
  const listHeld = db.prepare('SELECT id, facts FROM device WHERE owner = ?');
  const releaseAll = db.prepare(`${disconnect} WHERE owner = ?`);
  const setLastAttempt = db.prepare('UPDATE device SET last_attempt = ? WHERE id = ?');

  return {
    connected: (id, { owner, connection }, facts) =>
      attempt(() => {
        const kept = keptFacts(facts);
        const { changes } = setConnected.run(
          owner,
          connection,
          JSON.stringify(kept.facts),
          JSON.stringify(kept.capabilities),
          id,
        );
        return changes > 0;
      }),
    disconnected: (id, { owner, connection }, facts, end) =>
      attempt(() => {
        setDisconnected.run(end.at, end.reason, id, owner, connection);
        past.add(id, { ...facts, ...end });
      }),
    release: (owner, end) =>
      attempt(() => {
        for (const { id, facts } of z.array(heldRow).parse(listHeld.all(owner)))
          past.add(id, { ...facts, ...end });
        releaseAll.run(end.at, end.reason, owner);
      }),
    callFailed: (id, call) => attempt(() => void setLastAttempt.run(JSON.stringify(call), id)),
  };
}

import type { Socket } from 'node:net';
import type { Client, Connection } from 'ssh2';
import type { Lifecycle } from '../connection/lifecycle.js';
import { inTurn, share, slice } from '../turns.js';
import { onArrival } from './ssh2-internals.js';

/**
 * Works through what a peer sends in turns with all others, and reads no faster than that: whatever it costs to decrypt
 * and to parse, nobody else waits for more than one share.
 */
export function readInTurns(connection: Client | Connection, socket: Socket, life: Lifecycle): void {
  const arrived: Buffer[] = [];
  let state: 'reading' | 'waiting' = 'reading';

  function work(read: (piece: Buffer) => void): void {
    const start = performance.now();
    for (let next = arrived.shift(); next && life.stage !== 'ended'; next = arrived.shift()) {
      if (next.length > slice) arrived.unshift(next.subarray(slice));
      read(next.subarray(0, slice));
      if (arrived.length > 0 && performance.now() - start >= share) {
        waitForTurn(read);
        return;
      }
    }
    if (state === 'waiting') {
      state = 'reading';
      socket.resume();
    }
  }

  function waitForTurn(read: (piece: Buffer) => void): void {
    if (state === 'reading') {
      state = 'waiting';
      socket.pause();
    }
    inTurn(() => {
      try {
        work(read);
      } catch (error) {
        // as ssh2 does with what is wrong in the first turn
        connection.emit('error', error);
        if (socket.writable) socket.end();
      }
    });
  }

  onArrival(connection, (data, read) => {
    arrived.push(data);
    if (state === 'reading') work(read);
  });
  void life.ended.then(() => {
    arrived.length = 0;
  });
}

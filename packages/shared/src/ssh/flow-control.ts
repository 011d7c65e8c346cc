import type { Socket } from 'node:net';
import type { Channel, Client, Connection } from 'ssh2';
import type { Lifecycle } from '../connection/lifecycle.js';
import { CallhomeError } from '../errors.js';
import {
  isExchangingKeys,
  openChannels,
  packetSizeOf,
  queuedPackets,
  readToEndWhenDestroyed,
  replaceWrite,
  stateOf,
} from './ssh2-internals.js';
import { readInTurns } from './turns.js';
import { dropUselessMessages } from './useless-messages.js';

/** ssh2 grants 2 MiB, and again 2 MiB while up to 2 MiB are unread: an honest peer stays below twice that. */
const maxUnread = 8 * 1024 * 1024;

/** What may wait on the socket: a handshake's few messages; later a piece for each channel, and answers. */
const maxUnsent = { handshake: 64 * 1024, open: 4 * 1024 * 1024 };

/** Packets that may wait for the end of an exchange of keys: answers, and what is left of a piece for each channel. */
const maxQueued = 10_000;

/** What a channel writes before it looks again whether the socket keeps up. */
const maxPiece = 64 * 1024;

/** RFC 4254 §5.1 sets no least packet size; a peer that grants less than this does not mean to be written to. */
const minPacket = 256;

/** How long a peer may leave a write untaken, and then the channel unclosed. */
const maxStallMs = 120_000;
const closeTimeoutMs = 10_000;

/** Guards the channels of a connection. */
export interface ConnectionGuard {
  /** To be called when ssh2 hands a channel out, before anything is written to it. */
  guardChannel(channel: Channel): void;
}

/**
 * Bounds the buffers of a connection: ssh2 holds no peer to a channel's window, ignores the socket's backpressure, and
 * queues without end while keys are exchanged; and reads it in turns with the others. To be called as soon as ssh2 has the
 * socket.
 */
export function guardConnection(
  connection: Client | Connection,
  socket: Socket,
  life: Lifecycle,
): ConnectionGuard {
  const exceeded = (what: string, limit: string): void =>
    life.cut(new CallhomeError('CALLHOME_BUFFER_EXCEEDED', { what, limit }));
  socket.on('data', () => {
    const limit = life.stage === 'open' ? maxUnsent.open : maxUnsent.handshake;
    if (socket.writableLength > limit) exceeded('the unsent data', `${limit} bytes`);
    if (queuedPackets(connection) > maxQueued) exceeded('what waits for new keys', `${maxQueued} packets`);
    if (openChannels(connection).some((channel) => channel.readableLength > maxUnread)) {
      exceeded("a channel's data", `${maxUnread} bytes`);
    }
  });
  readInTurns(connection, socket, life);
  dropUselessMessages(connection, life);
  // Every channel may wait for the socket to drain, and for the end of a key exchange.
  socket.setMaxListeners(0);
  connection.setMaxListeners(0);

  /** Calls back when what is written now goes out now. */
  function whenClear(resume: () => void): void {
    if (isExchangingKeys(connection)) connection.once('handshake', () => whenClear(resume));
    else if (socket.writableNeedDrain) socket.once('drain', () => whenClear(resume));
    else resume();
  }
  const isClear = (): boolean => !isExchangingKeys(connection) && !socket.writableNeedDrain;

  const stalled = (): void =>
    life.cut(new CallhomeError('CALLHOME_PEER_STALLED', { seconds: maxStallMs / 1000 }));
  /** Ends what nobody reads: the channel where the connection is fine, and the connection where even that is not taken. */
  function giveUp(channel: Channel): void {
    if (stateOf(channel) !== 'open') return;
    if (!isClear()) stalled();
    channel.destroy();
    setTimeout(() => {
      if (stateOf(channel) === 'closing') stalled();
    }, closeTimeoutMs).unref();
  }

  /** Writes in pieces, each when the one before is taken by the peer's window and by the socket; none without limit. */
  function paceWrites(channel: Channel): void {
    let stall: NodeJS.Timeout | undefined;
    let pieceTaken: ((error?: Error | null) => void) | undefined;
    const restartStall = (): void => {
      clearTimeout(stall);
      stall = setTimeout(() => giveUp(channel), maxStallMs).unref();
    };
    replaceWrite(channel, (write) => (data: Buffer, encoding, callback) => {
      if (callback === pieceTaken) {
        // ssh2 itself, with the rest of a piece: the peer's window has grown.
        restartStall();
        write(data, encoding, callback);
        return;
      }
      let at = 0;
      const writeOn = (): void => {
        for (;;) {
          clearTimeout(stall);
          if (at >= data.length) {
            callback();
            return;
          }
          if (!isClear()) {
            restartStall();
            whenClear(writeOn);
            return;
          }
          const piece = data.subarray(at, at + maxPiece);
          at += piece.length;
          let state: 'writing' | 'taken' | 'waiting' = 'writing';
          pieceTaken = () => {
            if (state === 'waiting') writeOn();
            else state = 'taken';
          };
          restartStall();
          write(piece, encoding, pieceTaken);
          if (state === 'writing') {
            state = 'waiting';
            return;
          }
        }
      };
      writeOn();
    });
  }

  return {
    guardChannel(channel) {
      const packetSize = packetSizeOf(channel);
      if (!(packetSize >= minPacket)) {
        // Closed, it takes no write any more: of 0 bytes each, ssh2 would never come to an end.
        channel.destroy();
        life.cut(
          new CallhomeError('CALLHOME_PROTOCOL', { why: `the peer takes packets of ${packetSize} bytes` }),
        );
        return;
      }
      paceWrites(channel);
      readToEndWhenDestroyed(channel);
    },
  };
}

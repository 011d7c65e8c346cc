import type { Socket } from 'node:net';
import type { Channel } from 'ssh2';
import { CallhomeError } from '../errors.js';
import type { Lifecycle } from './lifecycle.js';

/** ssh2 grants 2 MiB, and again 2 MiB while up to 2 MiB are unread: an honest peer stays below twice that. */
const maxUnread = 8 * 1024 * 1024;

/** What ssh2 may queue on a socket beyond the channels' data: answers to a peer that asks and does not read. */
const maxUnsent = 16 * 1024 * 1024;

/** How long a peer may leave a write untaken. Milliseconds. */
const maxStall = 120_000;

/**
 * Bounds the buffers of a connection: ssh2 enforces no channel window against the peer, and ignores the socket's
 * backpressure. Call after ssh2 has taken the socket, once; then `guardChannel` for each channel.
 */
export function guardConnection(socket: Socket, life: Lifecycle): { guardChannel(channel: Channel): void } {
  const channels = new Set<Channel>();
  const check = (): void => {
    if (socket.writableLength > maxUnsent) {
      life.cut(new CallhomeError('CALLHOME_BUFFER_EXCEEDED', { what: 'the unsent data', bytes: maxUnsent }));
    }
    for (const channel of channels) {
      if (channel.readableLength > maxUnread) {
        life.cut(
          new CallhomeError('CALLHOME_BUFFER_EXCEEDED', { what: "a channel's data", bytes: maxUnread }),
        );
        return;
      }
    }
  };
  socket.on('data', check);
  socket.setMaxListeners(0);
  return {
    guardChannel(channel) {
      channels.add(channel);
      channel.once('close', () => channels.delete(channel));
      paceWrites(channel, socket, life);
    },
  };
}

/**
 * Makes a channel's writes wait for the peer's window, as ssh2 does, and for the socket too; neither without limit.
 * ssh2 calls `_write` again with what is left whenever the peer grants more, so each call is progress.
 */
function paceWrites(channel: Channel, socket: Socket, life: Lifecycle): void {
  const write = channel._write.bind(channel);
  let timer: NodeJS.Timeout | undefined;
  channel._write = (data, encoding, callback) => {
    clearTimeout(timer);
    let taken = false;
    const settle = (error?: Error | null): void => {
      taken = true;
      clearTimeout(timer);
      callback(error);
    };
    write(data, encoding, (error) => {
      if (error || !socket.writableNeedDrain) settle(error);
      else socket.once('drain', settle);
    });
    if (taken) return;
    timer = setTimeout(() => {
      if (socket.writableNeedDrain)
        life.cut(new CallhomeError('CALLHOME_PEER_STALLED', { seconds: maxStall / 1000 }));
      else channel.close();
    }, maxStall);
    timer.unref();
  };
}

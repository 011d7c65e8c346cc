import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CallhomeError } from '@callhome/shared/errors.js';
import { type Call, reachDevice } from './call.js';
import { tunnelProtocol } from './schemas.js';

/** How long a device may be silent after the caller has ended its half. */
const lastWordsTimeoutMs = 600_000;

/**
 * Each end's end becomes the other's, backpressure too; an end that breaks off breaks the other off.
 * @param isLost whether the device's connection is over
 */
function join(socket: Socket, channel: Duplex, isLost: () => boolean): void {
  // A reset and not an orderly end, so that the caller does not take half a message for all there was.
  const cut = () => socket.resetAndDestroy();
  // ssh2 ends the channels of a connection that is lost as if the device had ended them, just before it is known lost.
  const settle = (end: () => void) => setImmediate(() => (isLost() ? cut() : end()));
  socket.once('close', () => channel.destroy());
  socket.once('end', () => socket.setTimeout(lastWordsTimeoutMs));
  channel.once('error', cut);
  channel.once('end', () => settle(() => socket.end()));
  channel.once('close', () => {
    if (channel.readableEnded) settle(() => socket.destroySoon());
    else cut();
  });
  socket.pipe(channel);
  channel.pipe(socket, { end: false });
}

/**
 * GET /v1/devices/{id}/netconf with `Upgrade: netconf`: from the 101 on, the bytes are those of a NETCONF session of the
 * caller's own, hello and framing untouched.
 */
export async function openTunnel(call: Call): Promise<void> {
  const { socket } = call.request;
  if (call.request.headers.upgrade?.toLowerCase() !== tunnelProtocol) {
    throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: `the only upgrade is to ${tunnelProtocol}` });
  }
  const reached = await reachDevice(call);
  const channel = await reached.openSession();
  channel.on('error', (error) =>
    call.log.debug({ device: call.device, reason: error.message }, 'tunnel broke off'),
  );
  if (socket.destroyed) {
    channel.destroy();
    return;
  }
  call.response.detachSocket(socket);
  socket.setTimeout(0);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`,
  );
  if (call.head.length > 0) socket.unshift(call.head);
  join(socket, channel, reached.isLost);
}

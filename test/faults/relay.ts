import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

type Side = 'device' | 'nms';

/** A TCP relay on loopback between a device and its management system. */
export interface Relay {
  /** Where the device calls. */
  readonly port: number;
  /** Resolves with how much this side has said, in bytes, when the other next answers it. */
  turn(of: Side): Promise<number>;
  /** Breaks off the connections there are. */
  breakOff(): void;
  stop(): Promise<void>;
}

/**
 * Starts a relay to a port.
 * @param stalling the first connection passes so many bytes each way, and then nothing, not even its end
 */
export async function startRelay(port: number, stalling = Number.POSITIVE_INFINITY): Promise<Relay> {
  const events = new EventEmitter();
  const sockets = new Set<Socket>();
  let limit = stalling;
  let turn: { readonly of: Side; bytes: number } = { of: 'device', bytes: 0 };

  const hear = (from: Side, bytes: number) => {
    if (turn.of !== from) {
      events.emit(turn.of, turn.bytes);
      turn = { of: from, bytes: 0 };
    }
    turn.bytes += bytes;
  };

  const pass = (from: Socket, to: Socket, side: Side, bytes: number) => {
    let left = bytes;
    sockets.add(from);
    from.setNoDelay().on('error', () => undefined);
    from.on('data', (chunk: Buffer) => {
      to.write(chunk.subarray(0, left));
      left = Math.max(0, left - chunk.length);
      hear(side, chunk.length);
    });
    from.once('close', () => {
      sockets.delete(from);
      if (left > 0) to.destroy();
    });
  };
  const server = createServer((device) => {
    const nms = connect(port, '127.0.0.1');
    pass(device, nms, 'device', limit);
    pass(nms, device, 'nms', limit);
    limit = Number.POSITIVE_INFINITY;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const breakOff = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    turn: (of) => new Promise((resolve) => events.once(of, resolve)),
    breakOff,
    async stop() {
      breakOff();
      server.close();
    },
  };
}

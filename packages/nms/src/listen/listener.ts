import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { listenFailure } from '@callhome/shared/listen-failure.js';

/** An open port. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Takes no more calls; those that are open stay. */
  close(): void;
}

interface ListenOptions {
  readonly address: string;
  /** 0 is any. */
  readonly port: number;
  /** TCP keep-alives after so long without data. */
  readonly keepaliveSeconds: number | undefined;
}

/**
 * Opens a TCP port and hands each call, paused, to `onCall`.
 * @throws CALLHOME_PORT_IN_USE, CALLHOME_LISTEN_FAILED
 */
export async function listen(
  { address, port, keepaliveSeconds }: ListenOptions,
  onCall: (socket: Socket) => void,
): Promise<Listener> {
  const probes =
    keepaliveSeconds === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepaliveSeconds * 1000 };
  const server = createServer({ pauseOnConnect: true, noDelay: true, ...probes }, onCall);
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (error) =>
      reject(listenFailure(error, address, port, 'local-bind in the configuration')),
    );
    // IPv6 alone, so that `::` and `0.0.0.0` can both be bound.
    server.listen({ host: address, port, ipv6Only: isIPv6(address), backlog: 1024 });
  });
  return { address, port: boundPort(server), close: () => void server.close() };
}

function boundPort(server: Server): number {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

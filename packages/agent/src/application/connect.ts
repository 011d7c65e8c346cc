import type { ApplicationConfig, EndpointConfig } from '@callhome/shared/config/agent-config.js';
import type { Log } from '@callhome/shared/log.js';
import type { ServedConnection } from '../connection/connection.js';
import type { ApplicationOptions } from './options.js';
import type { Activity } from './record.js';

/**
 * Dials an endpoint, and lets a user in.
 * @param enter is told how far it has come
 * @throws as the dialler, and what serves the connection
 */
export async function connect(
  { connectionType, maxWaitSeconds }: ApplicationConfig,
  endpoint: EndpointConfig,
  { settings, dial, serve }: Pick<ApplicationOptions, 'settings' | 'dial' | 'serve'>,
  enter: (activity: Activity) => void,
  log: Log,
): Promise<ServedConnection> {
  const { handshakeTimeoutSeconds, maxSessions, sessionLingerSeconds } = settings();
  const dialling = new AbortController();
  enter({ state: 'dialling', end: () => dialling.abort() });
  log.debug({ address: endpoint.address, port: endpoint.port }, 'dialling');
  const socket = await dial({
    address: endpoint.address,
    port: endpoint.port,
    localAddress: endpoint.localAddress,
    localPort: endpoint.localPort,
    keepaliveSeconds: endpoint.tcpKeepaliveSeconds,
    proxy: endpoint.proxy,
    maxWaitSeconds,
    signal: dialling.signal,
  });
  enter({ state: 'authenticating', end: () => void socket.destroy() });
  return await serve(socket, endpoint, {
    handshakeTimeoutSeconds,
    maxSessions,
    sessionLingerSeconds,
    idleTimeoutSeconds: connectionType.kind === 'periodic' ? connectionType.idleTimeoutSeconds : 0,
    onSession: (channel, origin) => settings().backend.open(channel, origin),
    log,
  });
}

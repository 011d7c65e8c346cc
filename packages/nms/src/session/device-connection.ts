import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { openClientSession } from '@callhome/shared/netconf/client-session.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import type { DeviceConnection } from '../fleet.js';
import type { SshDevice } from './ssh.js';

/** A device under management. */
export interface ManagedConnection extends DeviceConnection {
  /** The fingerprint of the host key that it proved. */
  readonly hostKey: string;
  /** ISO 8601, UTC. */
  readonly connectedAt: string;
  /** Says goodbye and ends the connection. */
  end(reason: CallhomeError): void;
}

/**
 * Opens the collector's own NETCONF session with a device. When that is over the connection is too, because a device
 * that nobody can ask anything is not under management.
 * @param helloTimeout for the device's hello. Seconds
 * @throws CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST, and what `openClientSession` throws
 */
export async function manageDevice(
  ssh: SshDevice,
  life: Lifecycle,
  helloTimeout: number,
): Promise<ManagedConnection> {
  const session = await openClientSession(await ssh.openChannel(), { helloTimeoutMs: helloTimeout * 1000 });
  void life.ended.then((reason) => session.destroy(reason));
  void session.closed.then((error) => {
    const why = error ? reasonOf(error) : 'it was closed';
    ssh.end(new CallhomeError('CALLHOME_SESSION_CLOSED', { why }, error));
  });
  return {
    device: ssh.device.id,
    hostKey: fingerprint(ssh.hostKey),
    connectedAt: new Date().toISOString(),
    session,
    openChannel: ssh.openChannel,
    end: ssh.end,
  };
}

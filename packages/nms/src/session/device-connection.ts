import type { Socket } from 'node:net';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { openClientSession } from '@callhome/shared/netconf/client-session.js';
import type { Lifecycle } from '@callhome/shared/ssh/lifecycle.js';
import type { DeviceConnection } from '../fleet.js';
import { connectSsh, type SshClientOptions } from './ssh.js';

/** A device under management: its connection, and how that ends. */
export interface ManagedConnection extends DeviceConnection {
  /** The fingerprint of the host key that it proved. */
  readonly hostKey: string;
  /** Says goodbye and ends the connection. */
  end(reason: CallhomeError): void;
}

/**
 * Takes a call from its socket to a NETCONF session. However it fails, `life` ends with the reason; and so it does
 * when the collector's own session is over, because a device that nobody can ask anything is not under management.
 * @param options `helloTimeout`: for the device's NETCONF hello, seconds
 * @param onAuthenticated when the device has proved its key and let the collector in
 */
export async function manageDevice(
  socket: Socket,
  life: Lifecycle,
  options: SshClientOptions & { readonly helloTimeout: number },
  onAuthenticated: () => void,
): Promise<ManagedConnection> {
  const ssh = await connectSsh(socket, life, options);
  onAuthenticated();
  try {
    const session = await openClientSession(await ssh.openChannel(), {
      helloTimeout: options.helloTimeout * 1000,
    });
    void life.ended.then((reason) => session.destroy(reason));
    void session.closed.then((error) => {
      const why = error ? reasonOf(error) : 'it was closed';
      ssh.end(new CallhomeError('CALLHOME_SESSION_CLOSED', { why }, error));
    });
    return {
      device: ssh.device.id,
      hostKey: ssh.hostKey,
      session,
      openChannel: ssh.openChannel,
      end: ssh.end,
    };
  } catch (error) {
    ssh.end(
      error instanceof CallhomeError
        ? error
        : new CallhomeError('CALLHOME_CONNECTION_LOST', { why: reasonOf(error) }, error),
    );
    throw await life.ended;
  }
}

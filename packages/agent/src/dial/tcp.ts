import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';

export interface DialOptions {
  readonly address: string;
  readonly port: number;
  /** For the name and all its addresses together. Seconds. */
  readonly maxWait: number;
  readonly signal: AbortSignal;
}

/**
 * Opens a TCP connection: resolves the name anew and tries its addresses, IPv6 and IPv4 in turn, until one answers.
 * @throws CALLHOME_DIAL_FAILED, CALLHOME_DIAL_TIMEOUT
 */
export async function dialTcp({ address, port, maxWait, signal }: DialOptions): Promise<Socket> {
  let socket: Socket | undefined;
  const given = deferred<never>();
  const timeout = setTimeout(
    () => given.reject(new CallhomeError('CALLHOME_DIAL_TIMEOUT', { address, port, seconds: maxWait })),
    maxWait * 1000,
  );
  const abort = (): void => given.reject(new CallhomeError('CALLHOME_STOPPED', {}));
  signal.addEventListener('abort', abort);
  try {
    const addresses = await Promise.race([lookup(address, { all: true, verbatim: true }), given.promise]);
    socket = connect({
      host: address,
      port,
      noDelay: true,
      autoSelectFamily: true,
      // Node gives each address but the last 250 ms by default, which is less than some paths' round trip.
      autoSelectFamilyAttemptTimeout: Math.max(10, Math.floor((maxWait * 1000) / addresses.length)),
      lookup: (_name, options, callback) => {
        const [first] = addresses;
        if (options.all) callback(null, addresses);
        else callback(null, first?.address ?? '', first?.family);
      },
    });
    await Promise.race([once(socket, 'connect'), given.promise]);
    return socket;
  } catch (error) {
    // What is still to come from a socket that is given up concerns nobody.
    socket?.on('error', () => undefined).destroy();
    if (error instanceof CallhomeError) throw error;
    throw new CallhomeError('CALLHOME_DIAL_FAILED', { address, port, why: reasonOf(error) }, error);
  } finally {
    clearTimeout(timeout);
    signal.removeEventListener('abort', abort);
  }
}

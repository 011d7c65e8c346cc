import { CallhomeError, codeOf, reasonOf } from './errors.js';

/**
 * Why a port could not be opened, as an error of the catalogue: CALLHOME_PORT_IN_USE, CALLHOME_LISTEN_FAILED.
 * @param setting where the port can be changed
 */
export function listenFailure(error: unknown, address: string, port: number, setting: string): CallhomeError {
  return codeOf(error) === 'EADDRINUSE'
    ? new CallhomeError('CALLHOME_PORT_IN_USE', { address, port, setting }, error)
    : new CallhomeError('CALLHOME_LISTEN_FAILED', { address, port, why: reasonOf(error) }, error);
}

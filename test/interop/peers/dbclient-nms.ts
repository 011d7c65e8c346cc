import { fileURLToPath } from 'node:url';
import { type NmsProgram, startNmsProgram } from './nms-program.js';

export interface DbclientNmsOptions {
  readonly user: string;
  /** A private key in Dropbear's format. */
  readonly keyFile?: string;
  readonly password?: string;
}

/** An NMS that is Dropbear's client, on a relayed connection. It trusts every host key. */
export function startDbclientNms({ user, keyFile, password }: DbclientNmsOptions): Promise<NmsProgram> {
  const relay = fileURLToPath(new URL('relay_connection.py', import.meta.url));
  return startNmsProgram(
    '/usr/bin/dbclient',
    [
      ...['-y', '-y'],
      ...['-J', `/usr/bin/python3 '${relay}'`],
      ...(keyFile === undefined ? [] : ['-i', keyFile]),
      ...['-s', `${user}@device`, 'netconf'],
    ],
    { ...process.env, DROPBEAR_PASSWORD: password },
  );
}

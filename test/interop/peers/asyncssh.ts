import { fileURLToPath } from 'node:url';
import { type Program, startProgram } from '../../programs/program.js';
import type { GoDeviceOptions } from './go-ssh.js';
import { type NmsProgram, startNmsProgram } from './nms-program.js';

const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface AsyncsshNmsOptions {
  readonly user: string;
  readonly keyFile?: string;
  readonly password?: string;
  /** The one host key that it trusts: a line. */
  readonly hostKey: string;
  readonly rekeyBytes?: number;
  /** Seconds. */
  readonly keepalive?: number;
  readonly signatureAlgorithm?: string;
  readonly cipher?: string;
}

/** What of these is given, each behind its option. */
function optional(options: Readonly<Record<string, string | number | undefined>>): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value)],
  );
}

/** An NMS that is asyncssh's `listen_reverse`. */
export function startAsyncsshNms(options: AsyncsshNmsOptions): Promise<NmsProgram> {
  return startNmsProgram('/usr/bin/python3', [
    source('asyncssh_nms.py'),
    ...['--user', options.user],
    ...['--host-key', options.hostKey],
    ...optional({
      '--key-file': options.keyFile,
      '--password': options.password,
      '--rekey-bytes': options.rekeyBytes,
      '--keepalive': options.keepalive,
      '--signature-algorithm': options.signatureAlgorithm,
      '--cipher': options.cipher,
    }),
  ]);
}

export interface AsyncsshDeviceOptions extends GoDeviceOptions {
  /** The only one that it offers. */
  readonly cipher?: string;
}

/** A device that is asyncssh's `connect_reverse`: it calls once. */
export function startAsyncsshDevice(port: number, options: AsyncsshDeviceOptions): Promise<Program> {
  return startProgram('/usr/bin/python3', [
    source('asyncssh_device.py'),
    ...['--port', String(port)],
    ...['--host-key-file', options.hostKeyFile],
    ...['--authorized-key', options.authorizedKey],
    ...optional({ '--rekey-bytes': options.rekeyBytes, '--cipher': options.cipher }),
    ...['--', ...options.command],
  ]);
}

import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Program, startProgram } from '../../programs/program.js';
import { type NmsProgram, startNmsProgram } from './nms-program.js';

/** For the build, from nothing. Milliseconds. */
export const buildTimeout = 120_000;

export interface GoNmsOptions {
  readonly user: string;
  readonly keyFile?: string;
  readonly password?: string;
  /** It has keyboard-interactive, too, and would have that before the password. */
  readonly interactive?: boolean;
  /** The one host key that it trusts: a line. */
  readonly hostKey: string;
  readonly rekeyBytes?: number;
}

export interface GoDeviceOptions {
  readonly hostKeyFile: string;
  /** The key that it lets in: a line. */
  readonly authorizedKey: string;
  readonly rekeyBytes?: number;
  /** What answers `netconf`. */
  readonly command: readonly [string, ...string[]];
}

/** Both ends of Call Home by golang.org/x/crypto/ssh. */
export interface GoSsh {
  startNms(options: GoNmsOptions): Promise<NmsProgram>;
  /** Calls once. */
  startDevice(port: number, options: GoDeviceOptions): Promise<Program>;
}

/** Builds the peer, with all that Go keeps of that, in `folder`. */
export async function buildGoSsh(folder: string): Promise<GoSsh> {
  const program = path.join(folder, 'go-ssh');
  await promisify(execFile)('/usr/bin/go', ['build', '-o', program, '.'], {
    cwd: fileURLToPath(new URL('go/', import.meta.url)),
    env: {
      ...process.env,
      GO111MODULE: 'off',
      GOCACHE: path.join(folder, 'go-cache'),
      GOFLAGS: '',
      GOPATH: '/usr/share/gocode',
    },
    timeout: buildTimeout,
  });
  const rekey = (bytes: number | undefined): string[] =>
    bytes === undefined ? [] : ['-rekey-bytes', String(bytes)];
  return {
    startNms: (options) =>
      startNmsProgram(program, [
        ...['-user', options.user],
        ...['-peer-key', options.hostKey],
        ...(options.keyFile === undefined ? [] : ['-key-file', options.keyFile]),
        ...(options.password === undefined ? [] : ['-password', options.password]),
        ...(options.interactive ? ['-interactive'] : []),
        ...rekey(options.rekeyBytes),
      ]),
    startDevice: (port, options) =>
      startProgram(program, [
        ...['-port', String(port)],
        ...['-key-file', options.hostKeyFile],
        ...['-peer-key', options.authorizedKey],
        ...rekey(options.rekeyBytes),
        ...options.command,
      ]),
  };
}

import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { createFolder, removeFolder } from '../../programs/folder.js';
import { type Program, startProgram } from '../../programs/program.js';
import type { Subsystem } from './netconfd.js';
import { createKeyFile } from './ssh-key.js';

/** A device that calls home with nothing of ours in it: socat dials, OpenSSH's sshd serves the connection. */
export interface SshdDevice {
  /** The public half of its host key, as one line. */
  readonly hostKey: string;
  /** The only user that it lets in: the current one. */
  readonly user: string;
  /** Dials once. The result ends with the connection, and its output is the log of both programs; the device stops it. */
  callHome(port: number): Promise<Program>;
  /** Gives it another host key for its next calls; resolves with the public half, as one line. */
  changeHostKey(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * A device that lets in the holder of `authorizedKey`, one line, and answers NETCONF with `subsystem`.
 * @param settings more lines of sshd_config
 */
export async function startSshdDevice(
  authorizedKey: string,
  subsystem: Subsystem,
  settings: readonly string[] = [],
): Promise<SshdDevice> {
  const folder = await createFolder('sshd');
  const file = (name: string) => path.join(folder, name);
  const hostKey = await createKeyFile(folder, 'host-key');
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const assignments = Object.entries(subsystem.env).map(
    ([name, value]) => `export ${name}=${quote(value)}\n`,
  );
  await writeFile(file('authorized_keys'), `${authorizedKey}\n`);
  // sshd sets SSH_CONNECTION after SetEnv, hence a script
  await writeFile(
    file('subsystem'),
    `#!/bin/sh\n${assignments.join('')}exec ${subsystem.command.map(quote).join(' ')}\n`,
    {
      mode: 0o755,
    },
  );
  const configure = (hostKeyFile: string) =>
    writeFile(
      file('sshd.conf'),
      [
        `HostKey ${hostKeyFile}`,
        `AuthorizedKeysFile ${file('authorized_keys')}`,
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'UsePAM no',
        'StrictModes no',
        'PermitRootLogin yes',
        `Subsystem netconf ${file('subsystem')}`,
        ...settings,
        '',
      ].join('\n'),
    );
  await configure(hostKey.file);
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true }); // where sshd confines itself

  const calls: Program[] = [];
  return {
    hostKey: hostKey.publicKey,
    user: userInfo().username,
    async callHome(port) {
      const sshd = `EXEC:"/usr/sbin/sshd -i -e -f ${file('sshd.conf')}",nofork`;
      const call = await startProgram('socat', [`TCP:127.0.0.1:${port}`, sshd]);
      calls.push(call);
      return call;
    },
    async changeHostKey() {
      const next = await createKeyFile(folder, 'next-host-key');
      await configure(next.file);
      return next.publicKey;
    },
    async stop() {
      await Promise.all(calls.map((call) => call.stop()));
      await removeFolder(folder);
    },
  };
}

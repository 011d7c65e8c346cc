import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createFolder, removeFolder } from '../../programs/folder.js';
import { startProgram } from '../../programs/program.js';

export interface OpensshClientNmsOptions {
  /** The user that it logs in as. */
  readonly user: string;
  /** Its private key, a file. */
  readonly keyFile: string;
  /** The one host key that it trusts: a line, `TYPE BASE64 …`. */
  readonly hostKey: string;
}

/** An NMS that is OpenSSH's `ssh -s … netconf`, on the connection of the first device that calls home. */
export interface OpensshClientNms {
  readonly port: number;
  /** The NETCONF session: the subsystem's standard input and output. */
  readonly session: Duplex;
  /** Resolves with the exit status of `ssh`: 255 when it refused the device or was refused. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** The log of `ssh -v`. */
  output(): string;
  stop(): Promise<void>;
}

export async function startOpensshClientNms(options: OpensshClientNmsOptions): Promise<OpensshClientNms> {
  const folder = await createFolder('ssh');
  const knownHosts = path.join(folder, 'known_hosts');
  await writeFile(knownHosts, `device ${options.hostKey}\n`);
  const passConnection = fileURLToPath(new URL('pass_connection.py', import.meta.url));
  const settings = {
    BatchMode: 'yes',
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: 'device',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    IdentityFile: options.keyFile,
    ProxyCommand: `/usr/bin/python3 '${passConnection}'`,
    ProxyUseFdpass: 'yes',
    StrictHostKeyChecking: 'yes',
    User: options.user,
    UserKnownHostsFile: knownHosts,
  };
  let announce = (_port: number) => {};
  const listening = new Promise<number>((resolve) => {
    announce = resolve;
  });
  const ssh = await startProgram(
    '/usr/bin/ssh',
    [
      ...['-F', 'none', '-v'],
      ...Object.entries(settings).map(([name, value]) => `-o${name}=${value}`),
      ...['-s', 'device', 'netconf'],
    ],
    {
      stdout: 'raw',
      onLine: (line) => {
        const port = /^listening on port (\d+)/.exec(line)?.[1];
        if (port !== undefined) announce(Number(port));
      },
    },
  );
  const session = Duplex.from({ writable: ssh.stdin, readable: ssh.stdout });
  session.on('error', () => {}); // its input closes before its output: `ended` tells how it went
  const stop = async () => {
    await ssh.stop();
    await removeFolder(folder);
  };
  try {
    return {
      port: await ssh.expect('a port', listening),
      session,
      ended: ssh.ended,
      output: ssh.output,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

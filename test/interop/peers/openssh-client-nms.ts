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
  readonly keyFile?: string;
  readonly password?: string;
  /** The host keys that it trusts: lines, `TYPE BASE64 …`. */
  readonly hostKey: string;
  /** More settings of ssh_config. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What it asks the device for; the `netconf` subsystem by default. Arguments of `ssh`. */
  readonly request?: readonly string[];
}

/** An NMS that is OpenSSH's `ssh`, with `-s … netconf` by default, on the connection of the first device that calls home. */
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
  await writeFile(knownHosts, `${options.hostKey.replaceAll(/^/gm, 'device ')}\n`);
  const askPassword = path.join(folder, 'ask-password');
  await writeFile(askPassword, '#!/bin/sh\necho "$TEST_PASSWORD"\n', { mode: 0o700 });
  const passConnection = fileURLToPath(new URL('pass_connection.py', import.meta.url));
  const settings = {
    BatchMode: options.password === undefined ? 'yes' : 'no',
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: 'device',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    IdentityFile: options.keyFile ?? 'none',
    NumberOfPasswordPrompts: '1',
    ProxyCommand: `/usr/bin/python3 '${passConnection}'`,
    ProxyUseFdpass: 'yes',
    StrictHostKeyChecking: 'yes',
    User: options.user,
    UserKnownHostsFile: knownHosts,
    ...options.settings,
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
      ...(options.request ?? ['-s', 'device', 'netconf']),
    ],
    {
      env: {
        ...process.env,
        // Nobody is there: it is for what asks for X11.
        DISPLAY: ':99',
        SSH_ASKPASS: askPassword,
        SSH_ASKPASS_REQUIRE: 'force',
        TEST_PASSWORD: options.password,
      },
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

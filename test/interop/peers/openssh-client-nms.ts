import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFolder, removeFolder } from '../../programs/folder.js';
import { type NmsProgram, startNmsProgram } from './nms-program.js';

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

/**
 * An NMS that is OpenSSH's `ssh`, with `-s … netconf` by default, on the connection of the first device that calls home.
 * It ends with 255 when it refused the device or was refused; its output is the log of `ssh -v`.
 */
export async function startOpensshClientNms(options: OpensshClientNmsOptions): Promise<NmsProgram> {
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
  const env = {
    ...process.env,
    // Nobody is there: it is for what asks for X11.
    DISPLAY: ':99',
    SSH_ASKPASS: askPassword,
    SSH_ASKPASS_REQUIRE: 'force',
    TEST_PASSWORD: options.password,
  };
  const args = [
    ...['-F', 'none', '-v'],
    ...Object.entries(settings).map(([name, value]) => `-o${name}=${value}`),
    ...(options.request ?? ['-s', 'device', 'netconf']),
  ];
  try {
    const ssh = await startNmsProgram('/usr/bin/ssh', args, env);
    const stop = async () => {
      await ssh.stop();
      await removeFolder(folder);
    };
    return { ...ssh, stop };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { createFolder, removeFolder } from '../../programs/folder.js';
import { startProgram } from '../../programs/program.js';

/** A command that answers NETCONF on its standard input and output, as an SSH server starts it. */
export interface Subsystem {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

export interface Netconfd {
  /**
   * netconf-subsystem for this netconfd. It takes the user and the server's port from what OpenSSH sets in the
   * environment; netconfd lets in port 830 alone.
   */
  readonly subsystem: Subsystem;
  output(): string;
  stop(): Promise<void>;
}

/**
 * Starts a netconfd with an empty configuration and `ietf-interfaces`, in which the current user may do everything.
 * It has a folder and a socket of its own, so that several run at once.
 */
export async function startNetconfd(): Promise<Netconfd> {
  const folder = await createFolder('netconfd');
  const socket = path.join(folder, 'ncxserver.sock');
  const { username, homedir } = userInfo();
  await mkdir(path.join(folder, 'data')); // a commit writes the startup configuration there
  let ready = () => {};
  const running = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const netconfd = await startProgram(
    '/usr/sbin/netconfd',
    [
      `--ncxserver-sockname=${socket}`,
      `--yuma-home=${folder}`,
      `--superuser=${username}`,
      '--no-startup',
      '--module=iana-if-type',
      '--module=ietf-interfaces',
    ],
    { onLine: (line) => line.startsWith('Running netconfd server') && ready() },
  );
  const stop = async () => {
    await netconfd.stop('SIGKILL'); // it looks for SIGTERM once a second, and has nothing to save
    await removeFolder(folder);
  };
  try {
    await netconfd.expect('its socket', running);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    subsystem: {
      command: ['/usr/sbin/netconf-subsystem', `--ncxserver-sockname=830@${socket}`],
      env: { USER: username, LOGNAME: username, HOME: homedir, SSH_CONNECTION: '127.0.0.1 0 127.0.0.1 830' },
    },
    output: netconfd.output,
    stop,
  };
}

import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createFolder, removeFolder } from '../../programs/folder.js';
import { startProgram } from '../../programs/program.js';
import { createKeyFile } from './ssh-key.js';

/** A real SOCKS proxy on 127.0.0.1. */
export interface SocksProxyProgram {
  readonly port: number;
  output(): string;
  stop(): Promise<void>;
}

/** None of the three takes any port and tells which. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

/** Starts it, and waits until it takes connections: not all of them say so. */
async function startProxy(
  folder: string,
  port: number,
  command: string,
  args: readonly string[],
): Promise<SocksProxyProgram> {
  const program = await startProgram(command, args);
  const stop = async () => {
    await program.stop();
    await removeFolder(folder);
  };
  let given = false;
  const takesConnections = async (): Promise<void> => {
    while (!given) {
      const socket = connect(port, '127.0.0.1');
      const taken = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (taken) return;
      await pause(10);
    }
  };
  try {
    await program.expect('connections', takesConnections());
  } catch (error) {
    given = true;
    await stop();
    throw error;
  }
  return { port, output: program.output, stop };
}

/** Dante: SOCKS 4 and 5 without authentication, to loopback except 127.0.0.66. Needs root. */
export async function startDante(): Promise<SocksProxyProgram> {
  const [folder, port] = [await createFolder('dante'), await freePort()];
  const file = path.join(folder, 'danted.conf');
  await writeFile(
    file,
    [
      'logoutput: stderr',
      `internal: 127.0.0.1 port = ${port}`,
      'external: 127.0.0.1',
      'external: ::1',
      'clientmethod: none',
      'socksmethod: none',
      'user.privileged: root',
      'user.unprivileged: nobody',
      'client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }',
      'socks block { from: 127.0.0.0/8 to: 127.0.0.66/32 }',
      'socks pass { from: 127.0.0.0/8 to: 127.0.0.0/8 protocol: tcp }',
      'socks pass { from: 127.0.0.0/8 to: ::1/128 protocol: tcp }',
      'socks pass { from: 127.0.0.0/8 to: localhost protocol: tcp }',
      '',
    ].join('\n'),
  );
  return await startProxy(folder, port, '/usr/sbin/danted', [
    '-f',
    file,
    '-p',
    path.join(folder, 'pid'),
    '-N',
    '1',
  ]);
}

/** MicroSocks: SOCKS 5 with one user. */
export async function startMicrosocks(username: string, password: string): Promise<SocksProxyProgram> {
  const [folder, port] = [await createFolder('microsocks'), await freePort()];
  return await startProxy(folder, port, '/usr/bin/microsocks', [
    ...['-i', '127.0.0.1', '-p', String(port)],
    ...['-u', username, '-P', password],
  ]);
}

/** OpenSSH's `ssh -D` to an sshd of its own: SOCKS 4, 4a and 5 without authentication. */
export async function startOpensshProxy(): Promise<SocksProxyProgram> {
  const [folder, port] = [await createFolder('ssh-proxy'), await freePort()];
  const file = (name: string) => path.join(folder, name);
  const hostKey = await createKeyFile(folder, 'host-key');
  const userKey = await createKeyFile(folder, 'user-key');
  await writeFile(file('known_hosts'), `proxy ${hostKey.publicKey}\n`);
  await writeFile(
    file('sshd.conf'),
    [
      `HostKey ${hostKey.file}`,
      `AuthorizedKeysFile ${userKey.file}.pub`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin yes',
      '',
    ].join('\n'),
  );
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true }); // where sshd confines itself
  const settings = {
    BatchMode: 'yes',
    ExitOnForwardFailure: 'yes',
    GlobalKnownHostsFile: '/dev/null',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    IdentityFile: userKey.file,
    ProxyCommand: `/usr/sbin/sshd -i -e -f '${file('sshd.conf')}'`,
    StrictHostKeyChecking: 'yes',
    User: userInfo().username,
    UserKnownHostsFile: file('known_hosts'),
  };
  return await startProxy(folder, port, '/usr/bin/ssh', [
    ...['-F', 'none', '-v', '-N', '-D', `127.0.0.1:${port}`],
    ...Object.entries(settings).map(([name, value]) => `-o${name}=${value}`),
    'proxy',
  ]);
}

import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type AgentProgram, createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { binOf, type Runner } from '../programs/logged-program.js';
import { createOwner } from '../programs/owned.js';
import { requirePeers } from './peers/require-peers.js';
import { type ServiceManager, startServiceManager } from './peers/service-manager.js';

const owned = createOwner();
const execute = promisify(execFile);

/** Runs our programs with these variables, and as the process that `$WATCHDOG_PID` names, if any is to be. */
function under(
  manager: Pick<ServiceManager, 'socket'>,
  variables: readonly string[] = [],
  pid = '"$$"',
): Runner {
  const script = `WATCHDOG_PID=${pid} exec "$0" "$@"`;
  return ['env', `NOTIFY_SOCKET=${manager.socket}`, ...variables, '/bin/sh', '-c', script, process.execPath];
}

async function agentUnder(runner: Runner): Promise<AgentProgram> {
  const collector = owned(await startCollector());
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, runner }));
  await collector.addDevice('router1', agent.hostKey);
  return agent;
}

requirePeers('systemd', 'ncclient')('a program under a service manager', () => {
  test('the agent tells that it has started, lives, is connected, and stops', async () => {
    const manager = owned(await startServiceManager());
    const agent = await agentUnder(under(manager, ['WATCHDOG_USEC=200000']));
    await agent.start();
    await manager.told('READY=1');
    await manager.told('WATCHDOG=1', 3);
    await agent.program.logged({ msg: 'connected' });
    await manager.told('STATUS=1 of 1 applications connected');
    await agent.program.stop();
    await manager.told('STOPPING=1');
    expect(manager.all().filter((line) => line.startsWith('MAINPID'))).toEqual([]);
  });

  test('the collector tells that it has started, lives, and stops', async () => {
    const manager = owned(await startServiceManager());
    const collector = owned(await startCollector({ runner: under(manager, ['WATCHDOG_USEC=200000']) }));
    await manager.told('READY=1');
    await manager.told('WATCHDOG=1', 2);
    await manager.told('STATUS=0 devices connected');
    await collector.program.stop();
    await manager.told('STOPPING=1');
  });

  test('nobody is told that it lives when that was asked of another process', async () => {
    const manager = owned(await startServiceManager());
    const agent = await agentUnder(under(manager, ['WATCHDOG_USEC=1000'], '1'));
    await agent.start();
    await manager.told('READY=1');
    await agent.program.stop();
    await manager.told('STOPPING=1');
    expect(manager.all()).not.toContain('WATCHDOG=1');
  });

  /** Programs that are found beside Node's own: `systemd-notify` is this script, or missing. */
  async function pathWith(script?: string): Promise<string> {
    const folder = await createFolder('path');
    owned({ stop: () => removeFolder(folder) });
    await symlink('/usr/bin/flock', path.join(folder, 'flock'));
    if (script !== undefined) {
      await writeFile(path.join(folder, 'systemd-notify'), `#!/bin/sh\n${script}\n`);
      await chmod(path.join(folder, 'systemd-notify'), 0o755);
    }
    return `PATH=${folder}`;
  }

  test('where there is no systemd-notify the log says so, once, and the agent calls home', async () => {
    const agent = await agentUnder(under({ socket: '/nowhere' }, [await pathWith(), 'WATCHDOG_USEC=20000']));
    await agent.start();
    const msg = 'the service manager does not hear the program';
    const line = await agent.program.logged({ level: 'warn', msg });
    expect(line['reason']).toMatch(/ENOENT/);
    await agent.program.logged({ msg: 'connected' });
    await agent.command('reload');
    await agent.program.stop();
    expect(await agent.program.ended).toBe(0);
    expect(agent.program.lines({ msg })).toHaveLength(1);
  });

  test('a service manager that takes no message does not hold the agent up', async () => {
    const agent = await agentUnder(under({ socket: '/nowhere' }, [await pathWith('exec /bin/sleep 3600')]));
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(await agent.command('reload')).toMatchObject({ status: 0 });
    await agent.program.stop();
    expect(await agent.program.ended).toBe(0);
    expect(agent.program.lines({ msg: 'agent stopped' })).toHaveLength(1);
  });
});

requirePeers('systemd')('the units', () => {
  const packaging = path.resolve('packaging', 'systemd');

  test.each(['agent', 'nms'] as const)(
    'systemd takes callhome-%s.service as it is, and finds little exposed',
    async (program) => {
      const folder = await createFolder('units');
      owned({ stop: () => removeFolder(folder) });
      const unit = path.join(folder, `callhome-${program}.service`);
      const text = await readFile(path.join(packaging, `callhome-${program}.service`), 'utf8');
      // what is installed there is not on this machine
      await writeFile(unit, text.replaceAll(`/usr/local/bin/callhome-${program}`, binOf(program)));
      expect(await execute('systemd-analyze', ['verify', '--man=no', unit])).toEqual({
        stdout: '',
        stderr: '',
      });
      const limit = ['security', '--offline=true', '--no-pager', '--threshold=20', unit];
      const { stdout } = await execute('systemd-analyze', limit);
      expect(stdout).toMatch(/exposure level for .*: 1\.\d OK/);
    },
  );

  test('their user can be made', async () => {
    const root = await createFolder('root');
    owned({ stop: () => removeFolder(root) });
    await mkdir(path.join(root, 'etc'));
    await execute('systemd-sysusers', [`--root=${root}`, path.join(packaging, 'callhome.conf')]);
    expect(await readFile(path.join(root, 'etc', 'passwd'), 'utf8')).toMatch(
      /^callhome:x:\d+:\d+:NETCONF Call Home:\/var\/lib\/callhome:\/usr\/sbin\/nologin$/m,
    );
  });
});

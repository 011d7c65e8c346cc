import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { expect, test } from 'vitest';
import { requireRoot } from '../faults/require-root.js';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { type CommandResult, runCommand } from '../programs/command.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();
const nobody = 65534;

/** Runs a command on a machine where the services have this state folder, as root, perhaps without root's rights over files. */
function withService(state: string, home: string, ...unprivileged: string[]) {
  const mounts =
    'mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/callhome && mount --bind "$0" /var/lib/callhome';
  const variables = ['env', '-u', 'STATE_DIRECTORY', '-u', 'XDG_STATE_HOME', `HOME=${home}`];
  const shell = ['/bin/sh', '-c', `${mounts} && exec "$@"`, state, ...variables, ...unprivileged];
  return (program: 'agent' | 'nms', ...args: string[]): Promise<CommandResult> =>
    runCommand(program, args, '', ['unshare', '--mount', ...shell, process.execPath]);
}

/** As users who do not own what is in the folder. */
const unprivileged = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];

requireRoot('mounts of our own', 'mount')('where the programs run as services', () => {
  /** Both, and the home of a user who runs none. */
  async function start() {
    const nmsKey = publicKeyLine(generateKeyPair().publicKey, '');
    const [collector, agent] = await Promise.all([startCollector(), createAgent({ ports: [1], nmsKey })]);
    owned(collector);
    owned(agent);
    await agent.start();
    await agent.program.logged({ msg: 'agent started' });
    const home = await createFolder('home');
    owned({ stop: () => removeFolder(home) });
    return { home, nms: path.join(collector.folder, 'state'), agent: path.join(agent.folder, 'state') };
  }

  test('the commands find them, where nothing else runs, nor a program that was killed', async () => {
    const { home, nms, agent } = await start();
    const find = async () => {
      const found = await Promise.all([
        withService(nms, home)('nms', 'devices', '--json'),
        withService(agent, home)('agent', 'status'),
      ]);
      expect(found).toEqual([
        { status: 0, stderr: '', stdout: '[]\n' },
        { status: 0, stderr: '', stdout: expect.stringMatching(/^nms\t/) },
      ]);
    };
    await find();
    const own = path.join(home, '.local', 'state', 'callhome');
    await mkdir(own, { recursive: true });
    await writeFile(path.join(own, 'token'), 'x');
    await writeFile(path.join(own, 'url'), 'http://127.0.0.1:1\n');
    await writeFile(path.join(own, 'agent.sock'), '');
    await find();
  });

  test('who may not look into their folder is told whose it is', async () => {
    const { home, nms, agent } = await start();
    for (const state of [nms, agent]) await chown(state, nobody, nobody);
    const calls: [state: string, program: 'agent' | 'nms', args: string[], dir: string][] = [
      [nms, 'nms', ['rpc', 'router1'], '/var/lib/callhome'],
      [nms, 'nms', ['devices', '--state-dir', nms], nms],
      [agent, 'agent', ['status'], '/var/lib/callhome'],
      [agent, 'agent', ['reload', '--state-dir', agent], agent],
    ];
    const told = calls.map(async ([state, program, args, dir]) => {
      const { status, stderr } = await withService(state, home, ...unprivileged)(program, ...args);
      const words = `the state folder ${dir} is not yours to read: run the command as the user nobody or as root, or give`;
      expect(stderr).toContain(`callhome-${program}: ${words} another --state-dir`);
      expect(status).toBe(1);
    });
    await Promise.all(told);
  });
});

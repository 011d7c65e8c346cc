import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createNetwork } from '../faults/network.js';
import { requireRoot } from '../faults/require-root.js';
import { startNetconfd } from '../interop/peers/netconfd.js';
import { requirePeers } from '../interop/peers/require-peers.js';
import { createKeyFile } from '../interop/peers/ssh-key.js';
import { startCollector } from '../programs/collector.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';
import { startProgram } from '../programs/program.js';
import { settings } from '../programs/settings.js';

const owned = createOwner();

const readme = await readFile('README.md', 'utf8');
const [, recipe = ''] = /^### A device without our agent\n(.*?)^## /ms.exec(readme) ?? [];

/** A file of the recipe with these changes, each of which has to be one. */
function fileOf(name: string, changes: Readonly<Record<string, string>> = {}): string {
  const [, block = ''] = /^```\w*\n(.*?)^```/ms.exec(recipe.slice(recipe.indexOf(`\`${name}\``))) ?? [];
  return Object.entries(changes).reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, block);
}

/** A server that begins to speak SSH, and then waits for the end. */
const silence = `
  const [address, port] = process.argv.slice(1);
  require('node:net').createServer((socket) => {
    socket.on('error', () => undefined).on('close', () => console.log('ended')).resume().write('SSH-2.0-silence\\r\\n');
  }).listen(Number(port), address);
`;

/** The recipe in a folder of its own, with shorter pauses. */
async function createRecipe(target: string, collectorKey: string) {
  const folder = await createFolder('recipe');
  const file = (name: string) => path.join(folder, name);
  const hostKey = await createKeyFile(folder, 'host-key');
  await writeFile(file('collector.pub'), `${collectorKey}\n`);
  const conf = fileOf('/etc/callhome/sshd.conf', {
    '/etc/ssh/ssh_host_ed25519_key': hostKey.file,
    '/etc/callhome': folder,
    'LoginGraceTime 30': 'LoginGraceTime 1',
    'ClientAliveInterval 15': 'ClientAliveInterval 1',
  });
  await writeFile(file('sshd.conf'), `${conf}StrictModes no\n`); // the folder is in one that everybody may write to
  const call = fileOf('/etc/callhome/call-home', {
    'nms.example.net:4334': target,
    'connect-timeout=10': 'connect-timeout=1',
    '/etc/callhome': folder,
  });
  await writeFile(file('call-home'), call, { mode: 0o755 });
  await mkdir(file('bin'));
  await writeFile(file('bin/shuf'), '#!/bin/sh\necho 0.2\n', { mode: 0o755 });
  return {
    hostKey: hostKey.publicKey,
    /** Puts the netconfd with this socket behind it. */
    async useNetconfd(socket: string) {
      const program = '/usr/sbin/netconf-subsystem';
      const text = fileOf('/etc/callhome/netconf', { [program]: `${program} ${socket}` });
      await writeFile(file('netconf'), text, { mode: 0o755 });
    },
    /** Runs it inside of another program, with process ids of its own: all that it started ends with it. */
    start([command, ...args]: readonly [string, ...string[]]) {
      const processes = ['unshare', '--pid', '--fork', '--kill-child', file('call-home')];
      const env = { ...process.env, PATH: `${file('bin')}:${process.env['PATH']}` };
      return startProgram(command, [...args, ...processes], { env });
    },
    stop: () => removeFolder(folder),
  };
}

requireRoot(
  'network namespaces',
  'ip',
  'sshd',
  'netconfd',
  'socat',
)('the recipe for OpenSSH', () => {
  test('calls home again whatever happened, and is managed each time', async () => {
    const network = owned(await createNetwork());
    const { nms } = network;
    const collector = owned(
      await startCollector({
        address: nms.address,
        runner: nms.runner,
        edit: settings({ keepalives: { 'max-wait': 1, 'max-attempts': 2 } }),
      }),
    );
    const recipe = owned(await createRecipe(`${nms.address}:${collector.port}`, collector.publicKey));
    await recipe.useNetconfd('--ncxserver-sockname=830@/nowhere');
    const [command, ...args] = network.device.runner;
    const device = await recipe.start([command, ...args.slice(0, -1)]);
    owned({ stop: () => device.stop('SIGKILL') });
    const said = (words: string) =>
      expect.poll(() => device.output().split(words).length, { timeout: 60_000 });
    const connected = async () => {
      await collector.connected('router1');
      const { status, stdout } = await collector.command(['get-config', 'router1']);
      expect(status, stdout).toBe(0);
    };

    // nobody knows it, and then there is no netconfd
    await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_HOST_KEY_UNKNOWN' }, 2);
    await collector.addDevice('router1', recipe.hostKey, userInfo().username);
    await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_PEER_CLOSED' }, 2);
    const netconfd = owned(await startNetconfd());
    await recipe.useNetconfd(netconfd.subsystem.command.slice(1).join(' '));
    await connected();

    // the collector dies, is not there for a while, and then somebody is who begins and says no more
    await collector.program.stop('SIGKILL');
    await said('Connection refused').toBeGreaterThan(2);
    const [inNms, ...before] = nms.runner;
    const silent = await startProgram(inNms, [...before, '-e', silence, nms.address, String(collector.port)]);
    owned(silent);
    await expect.poll(silent.output, { timeout: 60_000 }).toMatch(/(ended\n){2}/);
    await silent.stop();
    await collector.restart();
    await connected();

    // the network swallows everything
    await network.cut();
    await said('Timeout, client not responding').toBeGreaterThan(1);
    await said('timed out').toBeGreaterThan(2);
    await network.mend();
    await collector.program.logged({ msg: 'device connected', device: 'router1' }, 2);
    await connected();
  }, 300_000);
});

requirePeers('systemd')('its unit', () => {
  test('is one that systemd takes', async () => {
    const folder = await createFolder('unit');
    owned({ stop: () => removeFolder(folder) });
    const unit = path.join(folder, 'callhome-sshd.service');
    const text = fileOf('/etc/systemd/system/callhome-sshd.service', {
      '/etc/callhome/call-home': '/bin/true',
    });
    await writeFile(unit, text);
    const verify = ['verify', '--man=no', unit];
    expect(await promisify(execFile)('systemd-analyze', verify)).toEqual({ stdout: '', stderr: '' });
  });
});

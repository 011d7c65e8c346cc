import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { runCommand } from '../programs/command.js';
import { createOwner } from '../programs/owned.js';
import { settings } from '../programs/settings.js';
import { createDisk } from './disk.js';
import { createLightDevice } from './light-device.js';
import { requireRoot } from './require-root.js';

const owned = createOwner();

requireRoot('file systems of our own', 'mount')('the disk of the state folder is full', () => {
  test('the agent calls home all the same, and remembers again when there is space', async () => {
    const disk = owned(await createDisk());
    const collector = owned(await startCollector());
    const agent = owned(
      await createAgent({
        ports: [1, collector.port],
        nmsKey: collector.publicKey,
        state: disk.state,
        edit: settings({
          'reconnect-strategy': { 'start-with': 'last-connected', 'max-wait': 1, 'max-attempts': 1 },
        }),
      }),
    );
    await collector.addDevice('router1', agent.hostKey);
    await disk.fill();
    await agent.start();
    await agent.program.logged({ level: 'warn', msg: 'the last connected endpoint is not kept' });
    await agent.program.logged({ msg: 'connected', endpoint: 'nms-2' });
    expect(await readdir(disk.state)).toEqual(['agent.sock', 'callhome-agent.lock']);

    await disk.free();
    await collector.restart();
    await agent.program.logged({ msg: 'connected', endpoint: 'nms-2' }, 2);
    const memory = await readFile(path.join(disk.state, 'last-connected.json'), 'utf8');
    expect(JSON.parse(memory)).toEqual({ nms: 'nms-2' });
  });

  test('the collector keeps its devices and takes calls, says what it cannot write, and works again when there is space', async () => {
    const disk = owned(await createDisk());
    const collector = owned(await startCollector({ state: disk.state }));
    const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
    const another = createLightDevice();
    const devices = async () => (await collector.command(['devices'])).stdout;
    await collector.addDevice('router1', agent.hostKey);
    await disk.fill();

    await agent.start();
    await collector.connected('router1');
    await collector.program.logged({ level: 'error', msg: 'the registry was not written' });
    expect((await collector.command(['get-config', 'router1'])).status).toBe(0);
    const add = ['device', 'add', 'router2', '--host-key', '-'];
    const refused = await collector.command(add, another.hostKey);
    expect(refused).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('full') });
    expect(refused.stderr.trim().split('\n')).toHaveLength(1);
    expect(await devices()).not.toContain('router2');
    expect(collector.program.lines({ msg: 'device disconnected' })).toEqual([]);

    await disk.free();
    expect(await collector.command(add, another.hostKey)).toMatchObject({ status: 0 });
    await collector.restart();
    await collector.connected('router1');
    expect(await devices()).toMatch(/^router1\tconnected\t.*\nrouter2\tdisconnected\t/);
  });

  test('past connections that are too old stay, and go when there is space', async () => {
    const disk = owned(await createDisk());
    const registry = await openEmbeddedRegistry(disk.state);
    try {
      await registry.add({ id: 'router1', hostKeys: [], labels: {} });
      const at = '2020-01-01T00:00:00.000Z';
      const end = { at, code: 'CALLHOME_STOPPED', reason: 'gone' };
      const facts = {
        transport: 'ssh' as const,
        remoteAddress: '192.0.2.1 port 4000',
        hostKey: 'SHA256:a',
        sessionId: 1,
        capabilities: [],
        connectedAt: at,
      };
      for (let connection = 0; connection < 10; connection += 1)
        await registry.disconnected('router1', { owner: 'collector', connection }, facts, end);
      await disk.fill();
      const never = new AbortController().signal;
      const now = new Date().toISOString();
      await expect(registry.past.prune(now, never)).rejects.toMatchObject({
        code: 'CALLHOME_STATE_UNUSABLE',
      });
      expect(await registry.past.list('router1', 100)).toHaveLength(10);
      await disk.free();
      await registry.past.prune(now, never);
      expect(await registry.past.list('router1', 100)).toEqual([]);
    } finally {
      await registry.close();
    }
  });

  test('neither is stopped out of order', async () => {
    const disks = [owned(await createDisk()), owned(await createDisk())] as const;
    const collector = owned(await startCollector({ state: disks[0].state }));
    const agent = owned(
      await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, state: disks[1].state }),
    );
    await collector.addDevice('router1', agent.hostKey);
    await agent.start();
    await collector.connected('router1');
    for (const disk of disks) await disk.fill();
    await agent.program.stop();
    await collector.program.stop();
    expect(await agent.program.ended).toBe(0);
    expect(await collector.program.ended, collector.program.output()).toBe(0);
    await disks[0].free();
    await collector.restart();
    expect((await collector.command(['devices'])).stdout).toContain('router1');
  });
});

requireRoot('file systems of our own', 'mount')('a state folder that is read-only', () => {
  test.each(['agent', 'nms'] as const)(
    'keeps the %s from starting, which says so in a line',
    async (program) => {
      const disk = owned(await createDisk());
      const collector = owned(await startCollector());
      const agent = owned(await createAgent({ ports: [1], nmsKey: collector.publicKey }));
      await disk.makeReadOnly();
      const config = path.join((program === 'nms' ? collector : agent).folder, `${program}.json`);
      const start = program === 'nms' ? 'serve' : 'run';
      const outcome = await runCommand(program, [start, '--config', config, '--state-dir', disk.state]);
      expect(outcome).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('read-only') });
      expect(outcome.stderr).toContain(disk.state);
      expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
    },
  );
});

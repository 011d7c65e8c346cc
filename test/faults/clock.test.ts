import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { node, type Runner } from '../programs/logged-program.js';
import { createOwner } from '../programs/owned.js';
import { settings } from '../programs/settings.js';
import { startRelay } from './relay.js';

const owned = createOwner();
const hour = 3_600_000;
const jumping: Runner = [process.execPath, '--import', path.join(import.meta.dirname, 'clock.mjs')];

/** Keep-alives every second on the side whose clock jumps, and practically none on the other. */
const keepalives = (probing: boolean) =>
  settings({ keepalives: { 'max-wait': probing ? 1 : 3600, 'max-attempts': 1 } });

test.each(['nms', 'device'] as const)(
  'the clock of the %s jumps: the connection stays, and so does the pace of keep-alives',
  async (side) => {
    const collector = owned(
      await startCollector({
        edit: keepalives(side === 'nms'),
        runner: side === 'nms' ? jumping : node,
      }),
    );
    const relay = owned(await startRelay(collector.port));
    const agent = owned(
      await createAgent({
        ports: [relay.port],
        nmsKey: collector.publicKey,
        edit: keepalives(side === 'device'),
        runner: side === 'device' ? jumping : node,
      }),
    );
    await collector.addDevice('router1', agent.hostKey);
    await agent.start();
    await collector.connected('router1');
    const { program } = side === 'nms' ? collector : agent;

    await relay.turn(side); // what is left of the session's beginning
    const probe = await relay.turn(side);
    for (const jump of [1, 2]) {
      // Into the silence between two probes: the answer to the last one has to have arrived.
      await delay(200);
      process.kill(program.pid, 'SIGUSR2');
      await program.logged({ msg: 'clock jumped' }, jump);
      expect(await relay.turn(side)).toBe(probe);
      const since = performance.now();
      expect(await relay.turn(side)).toBe(probe);
      // They come one second apart; a burst would be over in no time.
      expect(performance.now() - since).toBeGreaterThan(500);
    }
    expect(collector.program.lines({ msg: 'device disconnected' })).toEqual([]);
    expect(agent.program.lines({ msg: 'disconnected' })).toEqual([]);

    relay.breakOff();
    const disconnected = await agent.program.logged({ msg: 'disconnected' });
    const noticed = await collector.program.logged({ msg: 'device disconnected' });
    const { time } = side === 'nms' ? noticed : disconnected;
    expect(Math.abs(Date.parse(String(time)) - Date.now())).toBeGreaterThan(4 * hour);
    expect(disconnected['uptime']).toBeLessThan(3600);
    expect(disconnected['uptime']).toBeGreaterThanOrEqual(0);
    await agent.program.logged({ msg: 'connected' }, 2);
  },
);

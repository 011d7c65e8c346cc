import { expect, test } from 'vitest';
import { z } from 'zod';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();
const device = z.object({ state: z.string(), connections: z.number(), reason: z.string().nullable() });

test.each([
  ['killed', 'SIGKILL'],
  ['stopped in order', 'SIGTERM'],
] as const)(
  'a device comes back when the collector was %s, and its history is there',
  async (_how, signal) => {
    const collector = owned(await startCollector());
    const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
    await collector.addDevice('router1', agent.hostKey);
    await agent.start();
    await collector.connected('router1');
    // The line of the log comes first, and then the registry.
    const show = async () =>
      device.parse(JSON.parse((await collector.command(['device', 'show', 'router1', '--json'])).stdout));
    expect(await show()).toMatchObject({ state: 'connected', connections: 1 });
    const { program } = collector;
    await collector.restart(signal);
    expect(await program.ended).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0);
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_PEER_CLOSED' });
    await collector.connected('router1');
    expect(await show()).toMatchObject({ state: 'connected', connections: 2 });
    expect(agent.program.lines({ msg: 'connected' })).toHaveLength(2);
  },
);

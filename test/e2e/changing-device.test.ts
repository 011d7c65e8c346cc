import { expect, test } from 'vitest';
import { z } from 'zod';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();

const shown = z.looseObject({ state: z.string(), connections: z.number(), reason: z.string().nullable() });

async function startPair(user: string) {
  const collector = owned(await startCollector());
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, user }));
  const nms = async (args: readonly string[], input?: string) => {
    const { status, stdout, stderr } = await collector.command(args, input);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };
  return { collector, agent, nms };
}

test('a profile that is changed with --reconnect is what its device is logged in to with at its next call', async () => {
  const { collector, agent, nms } = await startPair('netconf');
  await nms(['profile', 'add', 'core', '--user', 'nobody-there', '--keepalive-max-wait', '10']);
  await nms(['device', 'add', 'router1', '--host-key', '-', '--profile', 'core'], agent.hostKey);
  await agent.start();
  await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_AUTHENTICATION_FAILED' });
  await nms(['profile', 'set', 'core', '--user', 'netconf']);
  await collector.connected('router1');

  await nms(['profile', 'set', 'core', '--unset', 'keepalive-max-wait', '--reconnect']);
  const reason = 'the profile "core" was changed, which takes effect at the device\'s next call';
  await collector.program.logged({ msg: 'device disconnected', code: 'CALLHOME_DEVICE_CHANGED', reason });
  await collector.program.logged({ msg: 'device connected', device: 'router1' }, 2);
  const device = shown.parse(JSON.parse(await nms(['device', 'show', 'router1', '--json'])));
  expect(device).toMatchObject({ state: 'connected', user: 'netconf', connections: 2, reason });
});

test('a device that is renamed while it is connected is connected under its new id at its next call', async () => {
  const { collector, agent, nms } = await startPair('callhome');
  await nms(['device', 'add', 'router1', '--host-key', '-', '--label', 'site=x'], agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  await nms(['device', 'rename', 'router1', 'berlin-1']);
  await collector.connected('berlin-1');
  const device = shown.parse(JSON.parse(await nms(['device', 'show', 'berlin-1', '--json'])));
  expect(device).toMatchObject({ state: 'connected', connections: 2, labels: { site: 'x' } });
  expect(await collector.command(['get-config', 'router1'])).toMatchObject({ status: 3 });
  expect(await nms(['get-config', 'berlin-1'])).toContain('<rpc-reply');
});

test('a device that may have one session of operators at once refuses another, with what to do', async () => {
  const { collector, agent, nms } = await startPair('callhome');
  await nms(['device', 'add', 'router1', '--host-key', '-', '--max-sessions', '1'], agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  const session = owned(await collector.netconf('router1'));
  await session.until('<hello');
  const { status, stderr } = await collector.command(['netconf', 'router1']);
  expect(status).toBe(1);
  expect(stderr).toContain('the device "router1" has as many sessions');
  expect(stderr).toContain('max-sessions');
});

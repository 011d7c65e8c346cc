import path from 'node:path';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { commandBackend, settings } from '../programs/settings.js';
import { createNetwork, type Host } from './network.js';
import { requireRoot } from './require-root.js';

const owned = createOwner();
const keepalives = { 'max-wait': 1, 'max-attempts': 2 };

async function startPair(backend?: readonly string[]) {
  const network = owned(await createNetwork());
  const { device, nms } = network;
  const collector = owned(
    await startCollector({ address: nms.address, runner: nms.runner, edit: settings({ keepalives }) }),
  );
  const [program, ...args] = backend ?? [];
  const agent = owned(
    await createAgent({
      ports: [collector.port],
      address: nms.address,
      nmsKey: collector.publicKey,
      runner: device.runner,
      edit: settings({
        keepalives,
        'reconnect-strategy': { 'max-wait': 1, 'max-attempts': 1 },
        'backoff-cap': 1,
        ...(program === undefined ? {} : { backend: commandBackend(program, args) }),
      }),
    }),
  );
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  return { network, collector, agent };
}

/** Nothing of the connection may be left to the kernel to wait for. */
async function expectNoSockets(...hosts: Host[]): Promise<void> {
  for (const host of hosts) await expect.poll(() => host.sockets()).toEqual([]);
}

requireRoot('network namespaces', 'ip')('a black hole between the two', () => {
  test('is noticed by both, which leave no socket behind; the device comes back with the path', async () => {
    const { network, collector, agent } = await startPair();
    expect(await network.device.sockets()).toEqual(['ESTAB']);
    expect(await network.nms.sockets()).toEqual(['ESTAB']);
    await network.cut();
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_PEER_VANISHED' });
    await collector.program.logged({ msg: 'device disconnected', code: 'CALLHOME_PEER_VANISHED' });
    await expectNoSockets(network.device, network.nms);
    await agent.program.logged({ msg: 'attempt failed', code: 'CALLHOME_DIAL_TIMEOUT' });
    await network.mend();
    await agent.program.logged({ msg: 'connected' }, 2);
    await collector.program.logged({ msg: 'device connected', device: 'router1' }, 2);
  });

  test('in the middle of a large reply is too', async () => {
    const reply = path.join(import.meta.dirname, '..', 'programs', 'large-reply.mjs');
    const { network, collector, agent } = await startPair([process.execPath, reply, '1000']);
    const reading = await collector.netconf('router1');
    owned(reading);
    reading.write(
      '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>' +
        '<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><get/></rpc>]]>]]>',
    );
    await reading.until('<item');
    await network.cut();
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_PEER_VANISHED' });
    await collector.program.logged({ msg: 'device disconnected', code: 'CALLHOME_PEER_VANISHED' });
    await expectNoSockets(network.device, network.nms);
    // Half a message is not taken for all there was.
    expect(await reading.ended).toBe(1);
  });
});

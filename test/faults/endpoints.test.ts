import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type AgentProgram, createAgent } from '../programs/agent.js';
import { type CollectorProgram, startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { settings } from '../programs/settings.js';
import { createNetwork } from './network.js';
import { requireRoot } from './require-root.js';

const owned = createOwner();

/** Two attempts at each endpoint, each of at most a second for TCP and a second for the handshake. */
const impatient = settings({
  'reconnect-strategy': { 'start-with': 'last-connected', 'max-wait': 1, 'max-attempts': 2 },
  'handshake-timeout': 1,
});

/** What it logged of its attempts, in order. */
function attempts(agent: AgentProgram): unknown[] {
  return agent.program
    .lines({})
    .filter(({ msg }) => msg === 'attempt failed' || msg === 'connected')
    .map(({ msg, endpoint, attempt, code }) => [msg, endpoint, attempt, code]);
}

/** The attempts of an agent whose first endpoint fails with `code`, and whose second takes it. */
function secondAfter(code: string): unknown[] {
  return [
    ['attempt failed', 'nms-1', 1, code],
    ['attempt failed', 'nms-1', 2, code],
    ['connected', 'nms-2', 1, undefined],
  ];
}

/** A port on loopback that takes connections and says nothing. */
async function startSilentServer(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** An agent that calls `first`, and then the collector, which knows it. */
async function callBoth(first: number, collector: CollectorProgram): Promise<AgentProgram> {
  const agent = owned(
    await createAgent({
      ports: [first, collector.port],
      nmsKey: collector.publicKey,
      edit: impatient,
    }),
  );
  await collector.addDevice('router1', agent.hostKey);
  return agent;
}

describe('the second endpoint is called when the first', () => {
  test('is closed; after a kill -9 of the agent it is the first to be called', async () => {
    const collector = owned(await startCollector());
    const agent = await callBoth(1, collector);
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(attempts(agent)).toEqual(secondAfter('CALLHOME_DIAL_FAILED'));
    await agent.program.stop('SIGKILL');
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(attempts(agent)).toEqual([['connected', 'nms-2', 1, undefined]]);
  });

  test('accepts and says nothing', async () => {
    const collector = owned(await startCollector());
    const silent = owned(await startSilentServer());
    const agent = await callBoth(silent.port, collector);
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(attempts(agent)).toEqual(secondAfter('CALLHOME_HANDSHAKE_TIMEOUT'));
  });

  test('is a collector that does not know the device', async () => {
    const collector = owned(await startCollector());
    const other = owned(await startCollector());
    const agent = await callBoth(other.port, collector);
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(attempts(agent)).toEqual(secondAfter('CALLHOME_HOST_KEY_REFUSED'));
    expect(other.program.lines({ msg: 'call failed', code: 'CALLHOME_HOST_KEY_UNKNOWN' })).toHaveLength(2);
  });

  test('is a collector whose key is not let in', async () => {
    const collector = owned(await startCollector());
    const other = owned(await startCollector());
    const agent = await callBoth(other.port, collector);
    await other.addDevice('router1', agent.hostKey);
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(attempts(agent)).toEqual(secondAfter('CALLHOME_AUTHENTICATION_FAILED'));
    await other.program.logged({ msg: 'call failed', code: 'CALLHOME_AUTHENTICATION_FAILED' }, 2);
  });
});

requireRoot('network namespaces', 'ip')('the second endpoint is called when the first', () => {
  test('is a black hole', async () => {
    const network = owned(await createNetwork());
    const collector = owned(
      await startCollector({ address: network.nms.address, runner: network.nms.runner }),
    );
    const agent = owned(
      await createAgent({
        ports: [collector.port, collector.port],
        address: network.nms.address,
        nmsKey: collector.publicKey,
        edit: (text) => impatient(text.replace(network.nms.address, network.nowhere)),
        runner: network.device.runner,
      }),
    );
    await collector.addDevice('router1', agent.hostKey);
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(attempts(agent)).toEqual(secondAfter('CALLHOME_DIAL_TIMEOUT'));
  });
});

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { createApiClient } from '@callhome/nms/northbound/http/client.js';
import { openServerSession } from '@callhome/shared/netconf/server-session.js';
import { generateKeyPair, signer } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { type AuthHandlerMiddleware, Client } from 'ssh2';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { type CollectorProgram, startCollector } from '../programs/collector.js';
import type { LoggedProgram } from '../programs/logged-program.js';
import { createOwner } from '../programs/owned.js';
import { settings } from '../programs/settings.js';
import { createLightDevice, type LightDevice } from './light-device.js';
import { measurable, resourcesOf } from './resources.js';

const owned = createOwner();
const hello =
  '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>';

/** What 2,000 connections may leave in memory, after a warm-up of 1,000: less than a kilobyte each. Bytes. */
const maxGrowth = 1.5 * 1024 * 1024;

/** Does `work`, and expects the program to hold afterwards what it held before. */
async function expectNoLeak(program: LoggedProgram, work: () => Promise<void>): Promise<void> {
  const before = await resourcesOf(program);
  await work();
  // The last sockets are given a second to close.
  await expect
    .poll(() => resourcesOf(program), { timeout: 5000 })
    .toMatchObject({ descriptors: before.descriptors, active: before.active });
  const after = await resourcesOf(program);
  expect(after.memory - before.memory).toBeLessThan(maxGrowth);
  expect(program.output()).not.toContain('Warning');
}

/** The API of a collector, as its own commands find it. */
async function apiOf(collector: CollectorProgram) {
  const read = async (name: string) =>
    (await readFile(path.join(collector.folder, 'state', name), 'utf8')).trim();
  return createApiClient({ url: new URL(await read('url')), token: await read('token'), tokenFile: 'token' });
}

test('the collector holds nothing of 2,000 connections that ended in order, abruptly, and with sessions open', async () => {
  const collector = owned(await startCollector({ runner: measurable }));
  const { program } = collector;
  const api = await apiOf(collector);
  const devices = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const device = createLightDevice();
      const id = `router${index}`;
      await api.addDevice(id, { hostKeys: [device.hostKey], user: 'callhome' });
      return { id, device };
    }),
  );

  async function connectOnce(id: string, device: LightDevice, nth: number): Promise<void> {
    const { socket, connection } = await device.call(collector.port, (channel) =>
      openServerSession(channel, {
        sessionId: 1,
        capabilities: ['urn:ietf:params:netconf:base:1.1'],
        handle: async () => '<ok/>',
        onFault: () => undefined,
      }),
    );
    await program.logged({ msg: 'device connected', device: id }, nth);
    switch (nth % 4) {
      case 0:
        connection.end();
        break;
      case 1:
        socket.destroy();
        break;
      case 2:
        socket.resetAndDestroy();
        break;
      case 3: {
        const session = await api.netconf(id);
        session.on('error', () => undefined).resume();
        socket.destroy();
        await new Promise((resolve) => session.once('close', resolve));
      }
    }
    await program.logged({ msg: 'device disconnected', device: id }, nth);
  }
  const connectAll = (from: number, to: number) =>
    Promise.all(
      devices.map(async ({ id, device }) => {
        for (let nth = from; nth <= to; nth += 1) await connectOnce(id, device, nth);
      }),
    );

  await connectAll(1, 50);
  await expectNoLeak(program, async () => void (await connectAll(51, 150)));
}, 300_000);

/** A management system that lets every device in, opens a session, and drops it; or keeps it, while it is told to. */
async function startDroppingNms() {
  const key = generateKeyPair();
  const authHandler: AuthHandlerMiddleware = (_methods, _partial, next) =>
    next({ type: 'publickey', username: 'callhome', key: signer(key) });
  const kept = new Set<() => void>();
  let dropped = 0;
  let keeping = false;

  function take(socket: Socket): void {
    const client = new Client().on('error', () => undefined);
    const drop = () => {
      kept.delete(drop);
      dropped += 1;
      if (dropped % 3 === 0) client.end();
      else if (dropped % 3 === 1) socket.destroy();
      else socket.resetAndDestroy();
    };
    client.on('ready', () =>
      client.subsys('netconf', (error, channel) => {
        if (error) throw error;
        channel.write(hello);
        channel.once('data', () => {
          if (keeping) kept.add(drop);
          else drop();
        });
      }),
    );
    client.connect({ sock: socket, username: 'callhome', authHandler, hostVerifier: () => true });
  }
  const server = createServer({ noDelay: true }, (socket) => take(socket.on('error', () => undefined)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    publicKey: publicKeyLine(key.publicKey, 'nms'),
    dropped: () => dropped,
    /** How many sessions are kept. */
    kept: () => kept.size,
    keep() {
      keeping = true;
    },
    dropAll() {
      keeping = false;
      for (const drop of kept) drop();
    },
    async stop() {
      this.dropAll();
      server.close();
    },
  };
}

test('the agent holds nothing of 2,000 connections that the other side ended, in order and abruptly, with sessions open', async () => {
  const applications = 100;
  const nms = owned(await startDroppingNms());
  const agent = owned(
    await createAgent({
      ports: [nms.port],
      nmsKey: nms.publicKey,
      runner: measurable,
      edit: (text) => {
        const [application] =
          JSON.parse(text)['ietf-netconf-server:netconf-server']['call-home']['netconf-client'];
        const many = Array.from({ length: applications }, (_, index) => ({
          ...application,
          name: `nms-${index}`,
        }));
        return settings({ 'netconf-client': many, 'backoff-cap': 1 })(text);
      },
    }),
  );
  /** Lets the connections be dropped until there were so many, and resolves when all applications are connected. */
  async function cycle(drops: number): Promise<void> {
    nms.dropAll();
    await expect.poll(() => nms.dropped(), { timeout: 240_000 }).toBeGreaterThan(drops);
    nms.keep();
    await expect.poll(() => nms.kept(), { timeout: 60_000 }).toBe(applications);
  }
  await agent.start();
  await cycle(1000);
  await expectNoLeak(agent.program, () => cycle(3000));
}, 300_000);

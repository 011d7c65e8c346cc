// Our collector without its API: what it does is measured at the session that it has with a device.
import { startCollector } from '@callhome/nms/collector.js';
import type { ReachedDevice } from '@callhome/nms/fleet/fleet.js';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import { loadNmsConfig } from '@callhome/shared/config/nms-config.js';
import { createLog } from '@callhome/shared/log.js';
import { type Operation, parseOperation } from '@callhome/shared/netconf/operation.js';
import { z } from 'zod';
import { obey, tell } from '../commands.js';
import { deviceOf } from './collector-files.js';
import { largeOperation, sendFor, smallOperation } from './nms.js';

const [config, state] = z.tuple([z.string(), z.string()]).parse(process.argv.slice(2));
const registry = await openEmbeddedRegistry(state);
const collector = await startCollector(
  await loadNmsConfig(config),
  registry,
  createLog('bench'),
  'collector',
);

const command = z.discriminatedUnion('do', [
  z.object({ do: z.literal('sessions'), count: z.number() }),
  z.object({ do: z.literal('rpcs'), sessions: z.number(), seconds: z.number() }),
  z.object({ do: z.literal('reply') }),
]);

const reach = (index: number) => collector.fleet.reach(deviceOf(index));

/** Sends an operation and reads its reply to the end: how many bytes that has. */
async function ask(device: ReachedDevice, operation: Operation): Promise<number> {
  const { body, errors } = await device.send(operation, {});
  let bytes = 0;
  body.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  await errors;
  return bytes;
}

async function established(count: number): Promise<void> {
  while ((collector.counters.read()['established'] ?? 0) < count) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function readLargeReply(): Promise<{ bytes: number; seconds: number }> {
  const start = performance.now();
  const bytes = await ask(await reach(0), parseOperation(largeOperation));
  return { bytes, seconds: (performance.now() - start) / 1000 };
}

tell({ port: collector.addresses()[0]?.port });
await obey(command, async (told) => {
  switch (told.do) {
    case 'sessions':
      await established(told.count);
      return { sessions: told.count };
    case 'rpcs': {
      const devices = await Promise.all(Array.from({ length: told.sessions }, (_, index) => reach(index)));
      const operation = parseOperation(smallOperation);
      return sendFor(
        told.seconds,
        devices.map((device) => () => ask(device, operation)),
      );
    }
    case 'reply':
      return readLargeReply();
  }
});

// Our collector without its API: what it does is measured at the session that it has with a device.
import { startCollector } from '@callhome/nms/collector.js';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded.js';
import { loadNmsConfig } from '@callhome/shared/config/nms-config.js';
import { createLog } from '@callhome/shared/log.js';
import type { ClientSession } from '@callhome/shared/netconf/client-session.js';
import { z } from 'zod';
import { obey, tell } from '../commands.js';
import { deviceOf } from './collector-files.js';
import { largeOperation, sendFor, smallOperation } from './nms.js';

const [config, state] = z.tuple([z.string(), z.string()]).parse(process.argv.slice(2));
const registry = await openEmbeddedRegistry(state, new Date());
const collector = await startCollector(await loadNmsConfig(config), registry, createLog('bench'));

const command = z.discriminatedUnion('do', [
  z.object({ do: z.literal('sessions'), count: z.number() }),
  z.object({ do: z.literal('rpcs'), sessions: z.number(), seconds: z.number() }),
  z.object({ do: z.literal('reply') }),
]);

function sessionOf(index: number): ClientSession {
  const connection = collector.connection(deviceOf(index));
  if (!connection) throw new Error(`device ${index} is not connected`);
  return connection.session;
}

async function established(count: number): Promise<void> {
  while ((collector.counters()['established'] ?? 0) < count) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function readLargeReply(): Promise<{ bytes: number; seconds: number }> {
  const start = performance.now();
  const reply = await sessionOf(0).stream(largeOperation);
  let bytes = 0;
  reply.body.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  await reply.errors;
  return { bytes, seconds: (performance.now() - start) / 1000 };
}

tell({ port: collector.addresses()[0]?.port });
await obey(command, async (told) => {
  switch (told.do) {
    case 'sessions':
      await established(told.count);
      return { sessions: told.count };
    case 'rpcs': {
      const sessions = Array.from({ length: told.sessions }, (_, index) => sessionOf(index));
      return sendFor(
        told.seconds,
        sessions.map((session) => () => session.request(smallOperation)),
      );
    }
    case 'reply':
      return readLargeReply();
  }
});

// The fleet: COUNT devices in one process. They call, and hang up, as they are told on standard input.
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { z } from 'zod';
import { obey, tell } from '../commands.js';
import { createLightDevice } from './light-device.js';

const [count, largeReply] = z.tuple([z.coerce.number(), z.coerce.number()]).parse(process.argv.slice(2));

const keys = Array.from({ length: count }, generateKeyPair);
const devices = keys.map((key) => createLightDevice(key, largeReply));

const command = z.discriminatedUnion('do', [
  z.object({ do: z.literal('call'), port: z.number(), from: z.number(), to: z.number(), atOnce: z.number() }),
  z.object({ do: z.literal('hang up') }),
]);

/** All of these devices call, so many at once. */
async function call(port: number, from: number, to: number, atOnce: number): Promise<void> {
  const callers = devices.slice(from, to).values();
  const callOneAfterTheOther = async () => {
    for (const device of callers) await device.call(port);
  };
  await Promise.all(Array.from({ length: atOnce }, callOneAfterTheOther));
}

tell({ hostKeys: keys.map((key, index) => publicKeyLine(key.publicKey, `device-${index}`)) });
await obey(command, async (told) => {
  if (told.do === 'hang up') {
    for (const device of devices) device.hangUp();
    return { hungUp: devices.length };
  }
  const start = performance.now();
  await call(told.port, told.from, told.to, told.atOnce);
  return { called: told.to - told.from, seconds: (performance.now() - start) / 1000 };
});

import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startProgram } from '../program.js';

/** Handshakes under way at once. */
const atOnce = 64;
/** For all devices to be made, or to call. Seconds. */
const limit = 300;

/** Many devices in a process of their own. */
export interface Fleet {
  /** Their public host keys, a line each; its comment is the device's id. */
  readonly hostKeys: readonly string[];
  /** The devices from `from` up to `to` call home; resolves with how long it took, in seconds. */
  call(port: number, from: number, to: number): Promise<number>;
  /** All connections are gone, without a goodbye. */
  hangUp(): Promise<void>;
  stop(): Promise<void>;
}

/** @param largeReply the size of the reply to `<get-config>`, bytes */
export async function startFleet(devices: number, largeReply: number): Promise<Fleet> {
  const file = fileURLToPath(new URL('fleet-process.js', import.meta.url));
  const program = startProgram(process.execPath, [file, String(devices), String(largeReply)]);
  const { hostKeys } = await program.told(z.object({ hostKeys: z.array(z.string()) }), limit);
  const called = z.object({ called: z.number(), seconds: z.number() });
  return {
    hostKeys,
    async call(port, from, to) {
      const { seconds } = await program.ask({ do: 'call', port, from, to, atOnce }, called, limit);
      return seconds;
    },
    async hangUp() {
      await program.ask({ do: 'hang up' }, z.object({ hungUp: z.number() }), limit);
    },
    stop: program.stop,
  };
}

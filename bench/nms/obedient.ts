import { z } from 'zod';
import { startProgram } from '../program.js';
import type { Nms } from './nms.js';

/** For what should take a few seconds. Seconds. */
const limit = 120;

const listening = z.object({ port: z.number() });
const established = z.object({ sessions: z.number() });
const answered = z.object({ rpcs: z.number(), seconds: z.number() });
const replied = z.object({ bytes: z.number(), seconds: z.number() });

/** An NMS that does as it is told on its standard input: `bench/README.md` has the commands. */
export async function startObedient(command: string, args: readonly string[]): Promise<Nms> {
  const program = startProgram(command, args);
  const { port } = await program.told(listening, limit);
  return {
    pid: program.pid,
    port,
    async sessions(count) {
      await program.ask({ do: 'sessions', count }, established, limit);
    },
    rpcs: (sessions, seconds) => program.ask({ do: 'rpcs', sessions, seconds }, answered, limit),
    reply: () => program.ask({ do: 'reply' }, replied, limit),
    stop: program.stop,
  };
}

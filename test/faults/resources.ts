import path from 'node:path';
import { z } from 'zod';
import type { LoggedProgram, Runner } from '../programs/logged-program.js';

/** Runs a program so that it can be asked for its resources. */
export const measurable: Runner = [
  process.execPath,
  '--expose-gc',
  '--import',
  path.join(import.meta.dirname, 'resources.mjs'),
];

const resources = z.object({
  /** Open files and sockets. */
  descriptors: z.number(),
  /** What keeps the event loop alive, by kind: timers, sockets, requests. */
  active: z.record(z.string(), z.number()),
  /** After garbage collection. Bytes. */
  memory: z.number(),
});
type Resources = z.infer<typeof resources>;

/** Asks a running program, started by `measurable`, what it holds now. */
export async function resourcesOf(program: LoggedProgram): Promise<Resources> {
  const nth = program.lines({ msg: 'resources' }).length + 1;
  process.kill(program.pid, 'SIGUSR2');
  return resources.parse(await program.logged({ msg: 'resources' }, nth));
}

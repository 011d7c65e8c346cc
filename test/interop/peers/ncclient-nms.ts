import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startProgram } from '../../programs/program.js';

const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('listening'), port: z.number() }),
  z.object({
    event: z.literal('done'),
    sessionId: z.number(),
    capabilities: z.array(z.string()),
    running: z.string(),
    notification: z.string(),
  }),
  z.object({ event: z.literal('failed'), error: z.string(), message: z.string() }),
]);
type NcclientEvent = z.infer<typeof eventSchema>;

export interface NcclientNmsOptions {
  /** The user that it logs in as. */
  readonly user: string;
  /** Its private key, a file. */
  readonly keyFile: string;
  /** The one host key that it trusts: a line, `TYPE BASE64 …`. */
  readonly hostKey: string;
  /** The `<config>` that it merges into the candidate and commits. */
  readonly edit: string;
}

/** An NMS that is ncclient's `manager.call_home`: it serves one device, once. */
export interface NcclientNms {
  readonly port: number;
  /** What became of the one device that called: what it is, its configuration after the commit, its notification of that; or ncclient's exception. */
  outcome(): Promise<Exclude<NcclientEvent, { event: 'listening' }>>;
  output(): string;
  stop(): Promise<void>;
}

export async function startNcclientNms(options: NcclientNmsOptions): Promise<NcclientNms> {
  let tell = (_: NcclientEvent) => {};
  const nextEvent = () =>
    new Promise<NcclientEvent>((resolve) => {
      tell = resolve;
    });
  const listening = nextEvent();
  const program = await startProgram(
    '/usr/bin/python3',
    [
      fileURLToPath(new URL('ncclient_nms.py', import.meta.url)),
      ...['--user', options.user],
      ...['--key-file', options.keyFile],
      ...['--host-key', options.hostKey.split(' ')[1] ?? ''],
      ...['--edit', options.edit],
    ],
    { onLine: (line) => line.startsWith('{') && tell(eventSchema.parse(JSON.parse(line))) },
  );
  try {
    const first = await program.expect('a port', listening);
    const second = nextEvent();
    if (first.event !== 'listening') throw new Error(`ncclient does not listen: ${JSON.stringify(first)}`);
    return {
      port: first.port,
      async outcome() {
        const event = await program.expect('an outcome', second);
        if (event.event === 'listening') throw new Error('ncclient listens twice');
        return event;
      },
      output: program.output,
      stop: program.stop,
    };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

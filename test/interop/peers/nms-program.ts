import { Duplex } from 'node:stream';
import { startProgram } from '../../programs/program.js';

/** An NMS that is a program: it joins its standard input and output to `netconf` on the first device that calls home. */
export interface NmsProgram {
  /** Where the device is to call. */
  readonly port: number;
  /** The NETCONF session. */
  readonly session: Duplex;
  /** Resolves with the exit status. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Its standard error. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts a program that tells on standard error, `listening on port N`, where it waits for its device. */
export async function startNmsProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<NmsProgram> {
  let announce = (_port: number) => {};
  const listening = new Promise<number>((resolve) => {
    announce = resolve;
  });
  const program = await startProgram(command, args, {
    env,
    stdout: 'raw',
    onLine: (line) => {
      const port = /^listening on port (\d+)/.exec(line)?.[1];
      if (port !== undefined) announce(Number(port));
    },
  });
  const session = Duplex.from({ writable: program.stdin, readable: program.stdout });
  session.on('error', () => {}); // its input closes before its output: `ended` tells how it went
  try {
    const port = await program.expect('a port', listening);
    return { port, session, ended: program.ended, output: program.output, stop: () => program.stop() };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

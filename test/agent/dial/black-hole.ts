import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startProgram } from '../../programs/program.js';

/** Listens, and never accepts: its only turn of the event loop does not end. */
const neverAccepts = (host: string) => `
  const server = require('node:net').createServer().listen({ host: '${host}', port: 0, backlog: 1 }, () => {
    require('node:fs').writeSync(1, server.address().port + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** A port of this loopback address at which the kernel drops every SYN, because the backlog is full. */
export async function startBlackHole(
  host: string,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  let announce = (_port: number) => {};
  const listening = new Promise<number>((resolve) => {
    announce = resolve;
  });
  const program = await startProgram(process.execPath, ['-e', neverAccepts(host)], {
    onLine: (line) => announce(Number(line)),
  });
  const port = await program.expect('a port', listening);
  const backlog: Socket[] = [];
  // The kernel holds one more than it was asked to.
  while (backlog.length < 2) {
    const socket = connect(port, host).on('error', () => undefined);
    await once(socket, 'connect');
    backlog.push(socket);
  }
  return {
    port,
    async stop() {
      for (const socket of backlog) socket.destroy();
      await program.stop('SIGKILL');
    },
  };
}

import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port of loopback that nobody has just now, for a program that cannot say which one it was given. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

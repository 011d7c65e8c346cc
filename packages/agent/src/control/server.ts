import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { decodeUtf8, readBytes } from '@callhome/shared/text.js';
import { type ControlAnswer, type ControlRequest, controlRequest, socketName } from './requests.js';

const maxRequest = 64 * 1024;
/** For the whole request to arrive, and for the answer to be taken. Milliseconds. */
const peerTimeout = 10_000;
/** Clients at once. */
const maxClients = 32;
/** What the kernel takes as a socket's name. Bytes. */
const maxPath = 107;

async function readRequest(socket: Socket): Promise<ControlRequest> {
  try {
    const bytes = await readBytes(socket, maxRequest, 'the request');
    return controlRequest.parse(JSON.parse(decodeUtf8(bytes)));
  } catch (error) {
    throw new CallhomeError('CALLHOME_CONTROL_INVALID', { why: reasonOf(error).slice(0, 500) }, error);
  }
}

/** Where the commands of a running agent find it. @throws CALLHOME_STATE_UNUSABLE */
export function socketPath(stateFolder: string): string {
  const file = path.resolve(stateFolder, socketName);
  if (Buffer.byteLength(file) <= maxPath) return file;
  const why = `${file} is longer than the ${maxPath} bytes that a socket's name may have`;
  throw new CallhomeError('CALLHOME_STATE_UNUSABLE', { dir: stateFolder, why });
}

/**
 * Lets the agent's commands ask it, over a socket in its state folder, which is the user's own.
 * @param answer what a request comes to; what it throws is the answer too
 * @returns stops it
 * @throws CALLHOME_STATE_UNUSABLE
 */
export async function startControl(
  stateFolder: string,
  answer: (request: ControlRequest) => Promise<unknown>,
  log: Log,
): Promise<() => Promise<void>> {
  const file = socketPath(stateFolder);
  const clients = new Set<Socket>();

  async function serve(socket: Socket): Promise<void> {
    let said: ControlAnswer;
    try {
      said = { result: (await answer(await readRequest(socket))) ?? null };
    } catch (error) {
      const code = error instanceof CallhomeError ? error.code : 'CALLHOME_INTERNAL';
      if (code === 'CALLHOME_INTERNAL') log.error({ reason: reasonOf(error) }, 'request failed');
      const message = error instanceof CallhomeError ? error.message : reasonOf(error);
      said = { error: { code, message } };
    }
    socket.end(`${JSON.stringify(said)}\n`);
  }

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    socket.on('error', (error) => log.debug({ reason: error.message }, 'control connection broke off'));
    socket.setTimeout(peerTimeout, () => socket.destroy());
    void serve(socket);
  });
  server.maxConnections = maxClients;
  // one that a killed agent has left: the lock of the folder says that no other is running
  await rm(file, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CallhomeError('CALLHOME_STATE_UNUSABLE', { dir: stateFolder, why: reasonOf(error) }, error)),
    );
    server.listen(file, resolve);
  });
  await chmod(file, 0o600);
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const client of clients) client.destroy();
    });
}

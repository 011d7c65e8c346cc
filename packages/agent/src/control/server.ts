import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { areDescriptorsFew } from '@callhome/shared/descriptors.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { gatherLines } from '@callhome/shared/gathered-lines.js';
import type { Log } from '@callhome/shared/log.js';
import { decodeUtf8, readBytes } from '@callhome/shared/text.js';
import { type ControlAnswer, type ControlRequest, controlRequest, socketName } from './requests.js';

const maxRequest = 64 * 1024;
/** For the whole request to arrive, and for the answer to be taken. */
const peerTimeoutMs = 10_000;
/** Clients at once. */
const maxClients = 32;
/** Between two attempts to have the socket. */
const retryPauseMs = 10_000;
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
 * Lets the agent's commands ask it, over a socket in its state folder, which is the user's own. Where the socket cannot be
 * had, on a full disk perhaps, it is tried again: a device that nobody else can reach calls home all the same.
 * @param answer what a request comes to; what it throws is the answer too
 * @returns stops it
 */
export async function startControl(
  stateFolder: string,
  answer: (request: ControlRequest) => Promise<unknown>,
  log: Log,
): Promise<() => Promise<void>> {
  const clients = new Set<Socket>();
  const lines = gatherLines();

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

  function refusal(): string | undefined {
    if (clients.size >= maxClients) return 'too-many-clients';
    return areDescriptorsFew() ? 'too-few-descriptors' : undefined;
  }

  function take(socket: Socket): void {
    socket.on('error', (error) => log.debug({ reason: error.message }, 'control connection broke off'));
    const reason = refusal();
    if (reason !== undefined) {
      lines.add('', reason, (others) =>
        log.warn({ reason, ...(others > 0 && { others }) }, 'control connection refused'),
      );
      socket.destroy();
      return;
    }
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    socket.setTimeout(peerTimeoutMs, () => socket.destroy());
    void serve(socket);
  }

  let server: Server | undefined;
  let retry: NodeJS.Timeout | undefined;
  async function open(attempt: 'first' | 'later'): Promise<void> {
    try {
      server = await listen(socketPath(stateFolder), take);
      if (attempt === 'later') log.info('commands can be given to the agent');
    } catch (error) {
      if (attempt === 'first') {
        const code = 'CALLHOME_STATE_UNUSABLE';
        log.error({ code, reason: reasonOf(error) }, 'no commands can be given to the agent');
      }
      retry = setTimeout(() => {
        opening = open('later');
      }, retryPauseMs);
    }
  }
  let opening = open('first');
  await opening;

  return async () => {
    clearTimeout(retry);
    await opening;
    clearTimeout(retry);
    lines.flush();
    for (const client of clients) client.destroy();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  };
}

/** Opens the socket to its owner alone. */
async function listen(file: string, take: (socket: Socket) => void): Promise<Server> {
  // one that a killed agent has left: the lock of the folder says that no other is running
  await rm(file, { force: true });
  const server = createServer({ allowHalfOpen: true }, take).listen(file);
  await once(server, 'listening');
  try {
    await chmod(file, 0o600);
  } catch (error) {
    server.close();
    throw error;
  }
  return server;
}

import type { Socket } from 'node:net';
import { deferred } from '@callhome/shared/deferred.js';
import { toError } from '@callhome/shared/errors.js';
import type { SocksDialogue } from './socks.js';

/**
 * Holds the dialogue on a socket that is connected to a proxy, and leaves the socket as if it had just been connected
 * to the peer: nothing is taken of what follows the proxy's last answer. The caller destroys it on an error.
 * @throws Error in words: what the proxy said, or that it closed the connection, or that the signal was aborted
 */
export async function negotiate(socket: Socket, dialogue: SocksDialogue, signal: AbortSignal): Promise<void> {
  const { promise: connected, resolve, reject } = deferred<void>();
  const closed = (): void => reject(cutOff());
  const silent = (): void => reject(new Error('it has not answered'));
  let step = dialogue.next();
  const proceed = (): void => {
    try {
      while (!step.done) {
        // All of it or nothing; at the end of the stream, what there is.
        const answer: unknown = socket.read(step.value.read);
        if (!(answer instanceof Buffer)) return;
        if (answer.length < step.value.read) throw cutOff();
        step = dialogue.next(answer);
        if (!step.done) socket.write(step.value.send);
      }
      // Node takes a tick to forget that the stream was read in this way.
      socket.off('readable', proceed);
      process.nextTick(resolve);
    } catch (error) {
      reject(toError(error));
    }
  };
  try {
    socket.on('readable', proceed).on('error', reject).on('end', closed).on('close', closed);
    signal.addEventListener('abort', silent);
    if (signal.aborted) silent();
    if (!step.done) socket.write(step.value.send);
    await connected;
  } finally {
    socket.off('readable', proceed).off('error', reject).off('end', closed).off('close', closed);
    signal.removeEventListener('abort', silent);
  }
}

function cutOff(): Error {
  return new Error('it closed the connection without an answer');
}

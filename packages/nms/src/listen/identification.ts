import type { Socket } from 'node:net';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { inert } from '@callhome/shared/inert.js';
import { scanIdentification } from '@callhome/shared/ssh/identification.js';

/** Characters. */
const maxSaid = 500;

function saidIn(seen: Buffer, identification: number): string {
  const end = seen.indexOf(0x0a, identification);
  const text = seen.toString('latin1', 0, end < 0 ? seen.length : end).trim();
  return text
    .split(/[\r\n]+/)
    .map((line) => inert(line, ' '))
    .join('\n')
    .slice(0, maxSaid);
}

/**
 * Reads what a device says before its SSH identification, and leaves the socket paused with the identification next:
 * ssh2 loses such lines when they come in three or more segments, and then waits for ever.
 * The lifecycle limits it in time; rejects with the reason when it ends.
 * @param onFirstWords when it says anything at all
 * @returns all that it said, its identification too, as far as people would read it
 */
export async function readToIdentification(
  socket: Socket,
  life: Lifecycle,
  onFirstWords: () => void,
): Promise<string> {
  life.enter('SSH identification');
  const found = deferred<string>();
  void life.ended.then(found.reject);
  let seen: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const scan = scanIdentification(seen, 'server');
    if (scan.kind === 'more') return;
    socket.off('data', read);
    if (scan.kind === 'invalid') {
      life.cut(new CallhomeError('CALLHOME_IDENTIFICATION_INVALID', { why: scan.why }));
      return;
    }
    socket.pause();
    socket.unshift(seen.subarray(scan.at));
    found.resolve(saidIn(seen, scan.at));
  };
  socket.once('data', onFirstWords).on('data', read);
  socket.resume();
  return await found.promise;
}

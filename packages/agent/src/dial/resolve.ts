import { execFile } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';

/** No name has so much to tell for a reason. Bytes. */
const maxAnswer = 64 * 1024;

/**
 * All addresses of a name, in the system's order; of an address, the address itself.
 *
 * They come from libc's `getent`, which can be ended. Node's own lookup cannot: with a silent name server it keeps one of
 * two threads for many seconds after everybody has given up, so that other names wait behind it for ever, and not even
 * the process ends before it. It is what there is where the device has no `getent`.
 * @throws Error in words, also when the signal is aborted
 */
export async function resolveName(name: string, signal: AbortSignal): Promise<LookupAddress[]> {
  signal.throwIfAborted();
  if (isIP(name) !== 0) return [{ address: name, family: isIP(name) }];
  return await new Promise((resolve, reject) => {
    const options = { signal, killSignal: 'SIGKILL', maxBuffer: maxAnswer } as const;
    execFile('getent', ['ahosts', name], options, (error, output) => {
      if (error?.code === 'ENOENT') {
        resolve(lookUp(name, signal));
        return;
      }
      if (error) {
        reject(new Error(signal.aborted ? notYet(name) : failure(name, error.code)));
        return;
      }
      // ADDRESS TYPE [NAME], with a line for each type of socket
      const addresses = new Set(output.split('\n').map((line) => line.split(/\s/, 1)[0] ?? ''));
      resolve(
        [...addresses].flatMap((address) => (isIP(address) ? [{ address, family: isIP(address) }] : [])),
      );
    });
  });
}

async function lookUp(name: string, signal: AbortSignal): Promise<LookupAddress[]> {
  if (signal.aborted) throw new Error(notYet(name));
  const tooLate = once(signal, 'abort').then(() => {
    throw new Error(notYet(name));
  });
  return await Promise.race([lookup(name, { all: true, verbatim: true }), tooLate]);
}

function notYet(name: string): string {
  return `the name ${name} is not resolved yet`;
}

function failure(name: string, code: unknown): string {
  return code === 2
    ? `the name ${name} cannot be resolved`
    : `\`getent\` of libc failed for ${name}: ${code}`;
}

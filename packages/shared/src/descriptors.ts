import { closeSync, openSync, readFileSync } from 'node:fs';
import { CallhomeError, codeOf } from './errors.js';

/** With less than this a program cannot do its work: while it is loaded it has some 120 open. */
const least = 192;

/** Those that peers do not get: for files, names, programs and answers. */
const reserve = 64;

/** How many descriptors the process may have; no bound where the system tells none. */
function readLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

const limit = readLimit();

/** Checks that the process may open enough to work at all. @throws CALLHOME_TOO_FEW_DESCRIPTORS */
export function requireDescriptors(): void {
  if (limit < least) throw new CallhomeError('CALLHOME_TOO_FEW_DESCRIPTORS', { limit, least });
}

/**
 * Whether only those are left that peers do not get. When there are none at all, a peer's connection is closed before
 * anybody hears of it; so this is to be asked for each that comes.
 */
export function areDescriptorsFew(): boolean {
  try {
    // the kernel gives the lowest that is free
    const next = openSync('/dev/null', 'r');
    closeSync(next);
    return next >= limit - reserve;
  } catch (error) {
    return ['EMFILE', 'ENFILE'].includes(codeOf(error) ?? '');
  }
}

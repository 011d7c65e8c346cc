import type { LookupAddress } from 'node:dns';
import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { deferred } from '@callhome/shared/deferred.js';
import { reasonOf } from '@callhome/shared/errors.js';

/** For one address before the next is tried beside it (RFC 8305 §8). */
const connectionAttemptDelayMs = 250;

/** No name has so many for a reason. */
const maxAddresses = 32;

/** What an error says of so many addresses. */
const maxAnswers = 5;

/** Opens one connection; rejects, in words, when that fails or its signal is aborted, and then leaves nothing behind. */
export type Open = (address: string, signal: AbortSignal) => Promise<Socket>;

/**
 * Tries all addresses, IPv6 and IPv4 in turn: the next one beside those that have not answered for a moment, or at
 * once after a failure. The first that answers wins, and the others are given up.
 * @param maxWaitSeconds for all of them, so that each gets its turn
 * @throws Error that says what each address answered, also when the signal is aborted
 */
export async function firstToAnswer(
  addresses: readonly LookupAddress[],
  open: Open,
  maxWaitSeconds: number,
  signal: AbortSignal,
): Promise<Socket> {
  const waiting = interleaveFamilies(addresses).slice(0, maxAddresses);
  const delayMs = Math.min(connectionAttemptDelayMs, (maxWaitSeconds * 1000) / (2 * waiting.length));
  const answers = new Set<string>();
  const others = new AbortController();
  setMaxListeners(0, others.signal); // one or more for each address, which is no leak
  const winner = deferred<Socket>();
  let running = 0;
  let timer: NodeJS.Timeout | undefined;

  const next = (): void => {
    clearTimeout(timer);
    const first = waiting.shift();
    if (first === undefined) {
      if (running === 0) winner.reject(new Error(summary(answers)));
      return;
    }
    running += 1;
    timer = setTimeout(next, delayMs);
    open(first.address, others.signal).then(answered, (error: unknown) => {
      running -= 1;
      answers.add(reasonOf(error));
      next();
    });
  };
  const answered = (socket: Socket): void => {
    running -= 1;
    // Two can answer at the same time.
    if (others.signal.aborted) discard(socket);
    else winner.resolve(socket);
    giveUp();
  };
  const giveUp = (): void => {
    waiting.length = 0;
    others.abort();
    next();
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', giveUp);
  next();
  return await winner.promise.finally(() => signal.removeEventListener('abort', giveUp));
}

/** The order of RFC 8305 §4: the families in turn, the one that the system prefers first. */
function interleaveFamilies(addresses: readonly LookupAddress[]): LookupAddress[] {
  const preferred = addresses.filter(({ family }) => family === addresses[0]?.family);
  const others = addresses.filter((address) => !preferred.includes(address));
  const turns = Math.max(preferred.length, others.length);
  return Array.from({ length: turns }, (_, turn) => [
    ...preferred.slice(turn, turn + 1),
    ...others.slice(turn, turn + 1),
  ]).flat();
}

/** What they answered, each once. */
function summary(answers: ReadonlySet<string>): string {
  const told = [...answers].slice(0, maxAnswers);
  const left = answers.size - told.length;
  return told.join(', ') + (left > 0 ? ` and ${left} more` : '');
}

/** Gives a socket up; what is still to come from it concerns nobody. */
export function discard(socket: Socket): void {
  socket.on('error', () => undefined).destroy();
}

import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { followSession } from '@callhome/shared/netconf/session-follower.js';

/** How long a device may be silent while the input waits for it. */
const silenceTimeoutMs = 600_000;
/**
 * Between the hello and the first request: netconfd loses what it reads together with the hello, and nothing tells that
 * it has read that. As long as the device took to say its own, within these.
 */
const helloPauseMs = { min: 200, max: 5_000 };

/**
 * Joins input and output to a NETCONF session of a device until the device ends it. Every byte passes as it is and at
 * once, but for what makes a session of a file: requests wait for the device's hello, and the end of the input for the
 * replies to them, because devices stop where their input ends. Input that is not NETCONF does not wait.
 * @throws CALLHOME_REPLY_CUT, CALLHOME_FILE_UNREADABLE when the input is no complete session
 */
export async function joinSession(
  device: string,
  session: Duplex,
  input: Readable,
  write: (piece: Buffer) => Promise<void>,
): Promise<void> {
  const asked = followSession();
  const told = followSession();
  const begin = performance.now();
  /** How long the device took for its hello. */
  let greetingMs = 0;
  /** When ours was passed on. */
  let greeted = begin;
  let state: 'open' | 'over' = 'open';
  let writing = false;
  let look: () => void = () => undefined;

  const cut = (why: string, cause?: unknown) =>
    new CallhomeError('CALLHOME_REPLY_CUT', { device, why }, cause);

  /** Resolves when it is so, or when nothing more can be known of it. */
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo() && state === 'open' && told.state !== 'lost') {
      let silence: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        look = resolve;
        silence = setTimeout(() => {
          // The silence may be that of who reads our output.
          if (writing) resolve();
          else
            session.destroy(
              new CallhomeError('CALLHOME_REPLY_TIMEOUT', { seconds: silenceTimeoutMs / 1000 }),
            );
        }, silenceTimeoutMs);
      });
      clearTimeout(silence);
    }
  }

  async function* paced(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      const ofHello = asked.push(piece);
      if (ofHello > 0) {
        yield piece.subarray(0, ofHello);
        greeted = performance.now();
      }
      if (ofHello === piece.length) continue;
      await until(() => told.state !== 'hello');
      const pauseMs = Math.min(Math.max(greetingMs, helloPauseMs.min), helloPauseMs.max);
      const leftMs = greeted + pauseMs - performance.now();
      if (leftMs > 0) await sleep(leftMs);
      yield piece.subarray(ofHello);
    }
    if (asked.state === 'messages')
      await until(() => told.state !== 'hello' && told.messages >= asked.messages);
  }

  // Only the device's half decides when all is over: what fails on ours breaks that off.
  pipeline(input, paced, session).catch(() => undefined);
  try {
    for await (const piece of session) {
      if (told.state === 'hello') greetingMs = performance.now() - begin;
      told.push(piece);
      look();
      writing = true;
      await write(piece);
      writing = false;
    }
  } catch (error) {
    throw cut(reasonOf(error), error);
  } finally {
    state = 'over';
    look();
  }
  const problem = asked.problem();
  if (problem !== undefined)
    throw new CallhomeError('CALLHOME_FILE_UNREADABLE', { file: 'standard input', why: problem });
  const unanswered = asked.messages - told.messages;
  if (told.state === 'messages' && asked.state === 'messages' && unanswered > 0)
    throw cut(`it ended the session with ${unanswered} of ${asked.messages} requests unanswered`);
}

import { Worker } from 'node:worker_threads';
import { deferred } from '../deferred.js';
import { CallhomeError, reasonOf } from '../errors.js';

/** What verifications may take of the machine. */
interface VerifierLimits {
  /** Threads at once. */
  readonly threads: number;
  /** Passwords that wait for a thread. */
  readonly waiting: number;
  /** For one verification, from the start of its thread. */
  readonly timeoutSeconds: number;
}

/**
 * Whether a password is the one of a crypt-hash.
 * @param signal gives the verification up: nobody waits for its result any more
 * @throws CALLHOME_PASSWORD_UNVERIFIED where there is no time or place for it
 */
type VerifyPassword = (password: string, cryptHash: string, signal: AbortSignal) => Promise<boolean>;

/** Verifies passwords, each in a thread of its own, which ends with it: a hash may ask for seconds of computing. */
export function passwordVerifier(limits: VerifierLimits): VerifyPassword {
  const waiting = new Set<() => void>();
  let threads = 0;

  function next(): void {
    const [start] = waiting;
    if (threads >= limits.threads || !start) return;
    waiting.delete(start);
    threads += 1;
    start();
  }

  return (password, cryptHash, signal) => {
    const verified = deferred<boolean>();
    const giveUp = (why: string, cause?: unknown): void =>
      verified.reject(new CallhomeError('CALLHOME_PASSWORD_UNVERIFIED', { why }, cause));
    if (signal.aborted || waiting.size >= limits.waiting) {
      giveUp(signal.aborted ? 'the connection has ended' : 'too many others are waiting');
      return verified.promise;
    }
    let stop = (): void => {
      waiting.delete(start);
    };
    const abort = (): void => {
      giveUp('the connection has ended');
      stop();
    };
    const start = (): void => {
      const worker = new Worker(new URL('./password-thread.js', import.meta.url), {
        workerData: { password, cryptHash },
        env: {},
        execArgv: [],
      });
      stop = () => void worker.terminate();
      const timer = setTimeout(() => {
        giveUp(`it takes more than ${limits.timeoutSeconds} s`);
        stop();
      }, limits.timeoutSeconds * 1000);
      worker.once('message', (right: unknown) => verified.resolve(right === true));
      worker.once('error', (error) => giveUp(reasonOf(error), error));
      worker.once('exit', () => {
        giveUp('its thread has ended');
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        threads -= 1;
        next();
      });
    };
    signal.addEventListener('abort', abort);
    waiting.add(start);
    next();
    return verified.promise;
  };
}

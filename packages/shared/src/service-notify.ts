import { execFile } from 'node:child_process';
import { reasonOf } from './errors.js';
import type { Log } from './log.js';

/** For one message to be taken. Milliseconds. */
const messageLimit = 10_000;
/** How often the status may change. Milliseconds. */
const statusInterval = 2_000;
/** What a stop waits for its message. Milliseconds. */
const stopWait = 1000;
/** The longest that a timer of Node's runs. Milliseconds. */
const maxTimer = 2 ** 31 - 1;

/** The service manager that started this program, where there is one: systemd. */
export interface ServiceManager {
  /** Tells that the program has started. */
  ready(): void;
  /** Tells that the program stops, and nothing from then on; resolves, soon, whether or not that was taken. */
  stop(): Promise<void>;
}

/** How often the service manager wants to hear that the program lives; undefined where it does not. Milliseconds. */
function watchdogInterval(): number | undefined {
  const { WATCHDOG_USEC: limit = '', WATCHDOG_PID: pid } = process.env;
  // it may be meant for the program that started this one
  if (!/^[1-9][0-9]*$/.test(limit) || (pid !== undefined && pid !== String(process.pid))) return undefined;
  return Math.min(Number(limit) / 1000 / 2, maxTimer);
}

/**
 * Tells the service manager that `$NOTIFY_SOCKET` names of the program's state, by systemd's protocol (sd_notify(3)):
 * a line of status from time to time and, while the event loop runs, that it lives. Without one nothing happens.
 *
 * Node has no datagram sockets of the Unix domain, so `systemd-notify` sends each message. It ends only when systemd
 * has dealt with it, and therefore still knows whose it is; as another process than the main one it needs
 * `NotifyAccess=all`.
 * @param status in a few words
 */
export function serviceManager(status: () => string, log: Log): ServiceManager {
  if (!process.env['NOTIFY_SOCKET']) return { ready: () => undefined, stop: async () => undefined };
  /** What is to be told next: the latest of each kind, so that a slow service manager is not owed ever more. */
  const waiting = new Map<'status' | 'state' | 'watchdog', string>();
  let sending: Promise<void> | undefined;
  let toldStatus = '';
  let failing = false;
  let stopped = false;

  function send(message: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const limit = { timeout: messageLimit, killSignal: 'SIGKILL' } as const;
      execFile('systemd-notify', message, limit, (error) => {
        if (error && !failing)
          log.warn({ reason: reasonOf(error) }, 'the service manager does not hear the program');
        failing = error !== null;
        resolve();
      });
    });
  }

  async function sendWaiting(): Promise<void> {
    while (waiting.size > 0) {
      const message = [...waiting.values()];
      waiting.clear();
      await send(message);
    }
    sending = undefined;
  }

  function say(kind: 'status' | 'state' | 'watchdog', assignment: string): void {
    waiting.set(kind, assignment);
    sending ??= sendWaiting();
  }

  function sayStatus(): void {
    const text = status();
    if (text !== toldStatus) say('status', `STATUS=${text}`);
    toldStatus = text;
  }

  const timers = [setInterval(sayStatus, statusInterval).unref()];
  const interval = watchdogInterval();
  if (interval !== undefined) timers.push(setInterval(() => say('watchdog', 'WATCHDOG=1'), interval).unref());

  return {
    ready() {
      if (stopped) return;
      say('state', 'READY=1');
      sayStatus();
    },
    async stop() {
      stopped = true;
      timers.forEach(clearInterval);
      say('state', 'STOPPING=1');
      let limit: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        limit = setTimeout(resolve, stopWait);
      });
      await Promise.race([sending, late]);
      clearTimeout(limit);
    },
  };
}

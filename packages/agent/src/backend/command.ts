import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentConfig } from '@callhome/shared/config/agent-config.js';
import { deferred } from '@callhome/shared/deferred.js';
import { reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { Backend, SessionChannel, SessionOrigin } from './backend.js';

type CommandConfig = NonNullable<AgentConfig['agent']['backend']['command']>;

/**
 * For a program to end by itself once its channel is closed, and again after SIGTERM: together with the end of the
 * connection less than the agent's own stop may take.
 */
const exitTimeoutMs = 1500;

/** Between two looks whether a process group is gone. */
const groupPollMs = 50;

/** What reaches the log of a program's standard error: so many pieces in a session, and so many bytes of each. */
const maxComplaints = 100;
const maxErrorText = 1024;

/** Between two pieces of what is not logged: a program that waits for a reader goes on, one that floods costs little. */
const discardPauseMs = 10;

/** The user's home and shell by /etc/passwd; for users that it does not have, `/` and `/bin/sh`. */
function account(user: string): { home: string; shell: string } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`));
  const [, , , , , home, shell] = line?.split(':') ?? [];
  return { home: home || '/', shell: shell || '/bin/sh' };
}

/** The environment that OpenSSH would give to a subsystem, and nothing of the agent's own. */
function sessionEnvironment(origin: SessionOrigin, shownServerPort?: number): Record<string, string> {
  const { user, remote, local } = origin;
  const { home, shell } = account(user);
  const port = shownServerPort ?? local.port;
  return {
    USER: user,
    LOGNAME: user,
    HOME: home,
    SHELL: shell,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    SSH_CLIENT: `${remote.address} ${remote.port} ${port}`,
    SSH_CONNECTION: `${remote.address} ${remote.port} ${local.address} ${port}`,
  };
}

/** Runs a program for each session, which speaks NETCONF on its standard input and output. */
export function commandBackend(config: CommandConfig, log: Log): Backend {
  return {
    async open(channel, origin) {
      try {
        await runSession(config, channel, origin, log.child({ backend: config.program, user: origin.user }));
      } catch (error) {
        log.error({ reason: reasonOf(error) }, 'session failed');
        channel.destroy();
      }
    },
  };
}

async function runSession(
  config: CommandConfig,
  channel: SessionChannel,
  origin: SessionOrigin,
  log: Log,
): Promise<void> {
  const { program, argument, environment } = config;
  const inOrder = argument.toSorted((one, other) => one.position - other.position);
  const child = spawn(
    program,
    inOrder.map(({ value }) => value),
    {
      env: sessionEnvironment(origin, environment['shown-server-port']),
      cwd: '/',
      stdio: 'pipe',
      // A process group of its own, so that what the program starts ends with it.
      detached: true,
    },
  );
  const over = deferred<{ status: number; outcome: string; level?: 'error' }>();
  const channelClosed = deferred<void>();
  child.once('error', (error) =>
    over.resolve({ status: 127, outcome: `it does not run: ${error.message}`, level: 'error' }),
  );
  const ended = (code: number | null, signal: NodeJS.Signals | null): void =>
    over.resolve({ status: code ?? 128, outcome: signal ? `killed by ${signal}` : `exit status ${code}` });
  // While somebody reads, the session is over with the program's output; then its end is enough.
  child.once('close', ended);
  log.info({ process: child.pid }, 'session opened');
  logComplaints(child.stderr, log);

  channel.pipe(child.stdin);
  // A program that reads no more still has its say; what comes for it is let go.
  child.stdin.on('error', () => channel.resume());
  child.stdout.pipe(channel, { end: false });
  channel.on('error', (error) => log.debug({ reason: error.message }, 'channel broke off'));
  channel.once('close', () => {
    child.once('exit', ended);
    if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode);
    child.stdin.destroy();
    child.stdout.destroy();
    channelClosed.resolve();
  });
  const groupEnded = channelClosed.promise.then(() => endGroup(child.pid, over.promise));

  const { status, outcome, level = 'info' } = await over.promise;
  channel.exit?.(status);
  channel.end();
  log[level]({ outcome }, 'session closed');
  await groupEnded;
  // Whoever has left the group may hold the other end for ever.
  child.stderr.destroy();
}

/**
 * Ends a program, and all of its group, once its channel is closed: by itself, by SIGTERM, by SIGKILL. What it has left
 * behind when it ended has nobody to speak to.
 */
async function endGroup(pid: number | undefined, ended: Promise<unknown>): Promise<void> {
  await Promise.race([ended, pause(exitTimeoutMs)]);
  if (!signalGroup(pid, 'SIGTERM')) return;
  const limit = performance.now() + exitTimeoutMs;
  while (signalGroup(pid, 0)) {
    if (performance.now() > limit) {
      signalGroup(pid, 'SIGKILL');
      return;
    }
    await pause(groupPollMs);
  }
}

function logComplaints(stderr: Readable, log: Log): void {
  let complaints = 0;
  stderr.on('data', (chunk: Buffer) => {
    complaints += 1;
    if (complaints <= maxComplaints) {
      const text = chunk.toString('utf8', 0, maxErrorText).trimEnd();
      log.warn({ text }, 'the backend wrote to standard error');
      return;
    }
    if (complaints === maxComplaints + 1)
      log.warn('the backend writes on to standard error: that is not logged, and read slowly');
    stderr.pause();
    setTimeout(() => stderr.resume(), discardPauseMs);
  });
}

/** Signals a program and all that it has started, but for what belongs to another user: whether there was anything. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

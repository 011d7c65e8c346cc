import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientConnection } from '@callhome/shared/connection/connection.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError, isCallhomeError, reasonOf } from '@callhome/shared/errors.js';
import {
  type ClientSession,
  openClientSession,
  type ReplyStream,
  type RequestOptions,
} from '@callhome/shared/netconf/client-session.js';
import type { Operation } from '@callhome/shared/netconf/operation.js';
import { createReadingSession, type ReadingSession } from './reading-session.js';

/** A session that ends sooner is not replaced: what is wrong with it would be wrong with the next one. */
const leastUptimeMs = 60_000;

/** What is under way for longer holds up what only reads, which goes elsewhere then. */
const heldUpMs = 1_000;

/** Operations that change nothing: `get`, `get-config`, `get-schema`, and those of devices' own. */
const reads = /^get(-|$)/;

/** How long what only reads avoids a session that did not answer. */
const lateMs = 60_000;

/** For a session to end that gives way. */
const closeTimeoutMs = 5_000;

/** A device may take a while to see that it has room again: how long it is asked, and how often. */
const roomTimeoutMs = 2_000;
const roomPauseMs = 100;

/** For a session to be there, where the caller gives no limit. */
const usualTimeoutMs = 60_000;

/**
 * The collector's own NETCONF session with a device, shared by all who send single operations. While it is held up, such as
 * by a large reply, what only reads goes over a second one, where the device has room for it.
 */
export interface OwnSession {
  /** The one that is open. */
  readonly current: Pick<ClientSession, 'sessionId' | 'capabilities'> | undefined;
  /** Sends one operation; resolves with the first bytes of its reply. A session is opened where none is. */
  send(operation: Operation, options: RequestOptions): Promise<ReplyStream>;
  /**
   * Gives its place to another stream, where that loses nothing: nothing is under way on it, and it was used for reading
   * alone, since with its session a confirmed commit ends. Comes back when that stream is closed, or cannot be opened.
   * @returns undefined where it stays
   * @throws what `openOther` throws
   */
  giveWayTo(openOther: () => Promise<Duplex>): Promise<Duplex | undefined>;
}

export interface OwnSessionOptions {
  readonly helloTimeoutMs: number;
  /** One that the device ended was replaced. @param reason why it had ended */
  onReplaced(session: ClientSession, reason: string): void;
}

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'opening'; readonly opening: Promise<ClientSession> }
  | { readonly kind: 'open'; readonly session: ClientSession; readonly since: number }
  | { readonly kind: 'giving way'; readonly over: Promise<void> };

/** Whether the device said that it has no room. */
function isRefused(error: unknown): boolean {
  return isCallhomeError(error, 'CALLHOME_CHANNEL_REFUSED') && error.facts.answered;
}

/** Opens a stream that a device may have room for in a moment. @throws what `openStream` throws last */
async function openPersistently(openStream: () => Promise<Duplex>): Promise<Duplex> {
  const end = performance.now() + roomTimeoutMs;
  for (;;) {
    try {
      return await openStream();
    } catch (error) {
      if (!isRefused(error) || performance.now() > end) throw error;
      await pause(roomPauseMs);
    }
  }
}

/** What a promise comes to, within what is left of a request's limits. @throws CALLHOME_REPLY_TIMEOUT, the signal's reason */
async function inTime<T>(
  promise: Promise<T>,
  { timeoutMs = usualTimeoutMs, waitedMs = 0, signal }: RequestOptions,
): Promise<T> {
  const outcome = deferred<T>();
  const seconds = timeoutMs / 1000;
  const late = (): void => outcome.reject(new CallhomeError('CALLHOME_REPLY_TIMEOUT', { seconds }));
  const timer = setTimeout(late, Math.max(0, timeoutMs - waitedMs));
  const gone = (): void => outcome.reject(signal?.reason);
  signal?.addEventListener('abort', gone);
  promise.then(outcome.resolve, outcome.reject);
  try {
    return await outcome.promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', gone);
  }
}

/**
 * Opens the collector's own session on a connection. When the device ends it, another takes its place; where that cannot
 * be, the connection ends, because a device that nobody can ask anything is not under management.
 * @throws CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST, and what `openClientSession` throws
 */
export async function openOwnSession(
  connection: ClientConnection,
  { helloTimeoutMs, onReplaced }: OwnSessionOptions,
): Promise<OwnSession> {
  let state: State = { kind: 'none' };
  /** What is under way on the session, by when it began. */
  let underWay = new Map<object, number>();
  /** Most devices never need it. */
  let reading: ReadingSession | undefined;
  /** Sessions that were replaced and wait for the end of what is still under way on them. */
  const leaving = new Map<ClientSession, () => void>();
  /** What the session that is open was used for. */
  let use: 'reading' | 'more' = 'reading';
  /** Until when it is taken for one that does not answer: then it is tried again. */
  let lateUntil = 0;
  const openStream = (): Promise<Duplex> => connection.openSession();

  async function open(stream: Promise<Duplex>): Promise<ClientSession> {
    try {
      const session = await openClientSession(await stream, { helloTimeoutMs });
      state = { kind: 'open', session, since: performance.now() };
      use = 'reading';
      lateUntil = 0;
      underWay = new Map();
      void session.closed.then((error) => follow(session, error));
      return session;
    } catch (error) {
      state = { kind: 'none' };
      throw error;
    }
  }

  async function opened(how: () => Promise<Duplex> = openStream): Promise<ClientSession> {
    while (state.kind === 'giving way') await state.over;
    if (state.kind === 'open') return state.session;
    if (state.kind === 'none') state = { kind: 'opening', opening: open(how()) };
    return state.opening;
  }

  /** What comes after the end of a session. */
  function follow(session: ClientSession, error: Error | undefined): void {
    if (state.kind !== 'open' || state.session !== session) return;
    const { since } = state;
    state = { kind: 'none' };
    const why = error ? reasonOf(error) : 'it was closed';
    const end = (): void => connection.end(new CallhomeError('CALLHOME_SESSION_CLOSED', { why }, error));
    if (performance.now() - since < leastUptimeMs) end();
    else opened().then((next) => onReplaced(next, why), end);
  }

  function isHeldUp(): boolean {
    const [oldest] = underWay.values();
    const now = performance.now();
    return now < lateUntil || (oldest !== undefined && now - oldest > heldUpMs);
  }

  /**
   * Of a session that does not answer on a connection that does: another takes its place, once in a while. What is under
   * way on it besides has its own limits. One that was used for more than reading stays: a confirmed commit would end with
   * it, and whoever is impatient with a read must not bring that about.
   */
  function replaceSilent(silent: ClientSession, others: ReadonlyMap<object, number>): void {
    if (state.kind !== 'open' || state.session !== silent) return;
    if (use === 'more' || performance.now() - state.since < leastUptimeMs) return;
    const why = 'it did not answer';
    const leave = (): void => {
      leaving.delete(silent);
      silent.destroy(new CallhomeError('CALLHOME_SESSION_CLOSED', { why }));
    };
    const makeRoom = async (): Promise<Duplex> => {
      try {
        return await openStream();
      } catch (error) {
        if (!isRefused(error)) throw error;
        leave();
        return await openPersistently(openStream);
      }
    };
    state = { kind: 'none' };
    opened(makeRoom).then(
      (next) => {
        onReplaced(next, why);
        if (others.size === 0) leave();
        else leaving.set(silent, leave);
      },
      (error) =>
        connection.end(new CallhomeError('CALLHOME_SESSIONS_SILENT', { why: reasonOf(error) }, error)),
    );
  }

  /** Sends an operation on a session, and knows when it is over. */
  async function exchange(
    session: ClientSession,
    operation: Operation,
    options: RequestOptions,
    over: (error?: unknown) => void,
  ): Promise<ReplyStream> {
    try {
      const reply = await session.stream(operation, options);
      reply.errors.then(() => over(), over);
      return reply;
    } catch (error) {
      over(error);
      throw error;
    }
  }

  /** Where that fails, the next use opens another. */
  function comeBack(): void {
    opened(() => openPersistently(openStream)).catch(() => undefined);
  }

  async function swap(session: ClientSession, openOther: () => Promise<Duplex>): Promise<Duplex> {
    const limit = setTimeout(
      () => session.destroy(new CallhomeError('CALLHOME_SESSION_CLOSED', { why: 'it gave way' })),
      closeTimeoutMs,
    );
    await session.close();
    clearTimeout(limit);
    return await openPersistently(openOther);
  }

  async function giveWay(session: ClientSession, openOther: () => Promise<Duplex>): Promise<Duplex> {
    const over = deferred<void>();
    state = { kind: 'giving way', over: over.promise };
    const outcome = await swap(session, openOther).then(
      (stream) => ({ stream }),
      (error: unknown) => ({ error }),
    );
    state = { kind: 'none' };
    over.resolve();
    if ('stream' in outcome) {
      outcome.stream.once('close', comeBack);
      return outcome.stream;
    }
    comeBack();
    throw outcome.error;
  }

  // Once: a connection may outlive any number of sessions.
  void connection.ended.then((reason) => {
    if (state.kind === 'open') state.session.destroy(reason);
    reading?.destroy(reason);
    for (const leave of leaving.values()) leave();
  });
  await opened();
  return {
    get current() {
      return state.kind === 'open' ? state.session : undefined;
    },
    async send(operation, options) {
      const isRead = reads.test(operation.name);
      const begin = performance.now();
      /** The request's options, with how long it has waited for a session. */
      let left = options;
      const wait = async <T>(promise: Promise<T>): Promise<T> => {
        const result = await inTime(promise, left);
        left = { ...options, waitedMs: performance.now() - begin };
        return result;
      };
      if (isRead && isHeldUp()) {
        reading ??= createReadingSession(connection, helloTimeoutMs);
        const second = reading;
        const other = await wait(second.get());
        if (other) {
          const over = second.use();
          return await exchange(other, operation, left, (error) => {
            over();
            if (isCallhomeError(error, 'CALLHOME_REPLY_TIMEOUT')) second.destroy(error);
          });
        }
      }
      const session = state.kind === 'open' ? state.session : await wait(opened());
      const ofSession = underWay;
      const key = {};
      ofSession.set(key, performance.now());
      if (!isRead) use = 'more';
      return await exchange(session, operation, left, (error) => {
        ofSession.delete(key);
        if (ofSession.size === 0) leaving.get(session)?.();
        const isLate = isCallhomeError(error, 'CALLHOME_REPLY_TIMEOUT');
        if (ofSession === underWay) lateUntil = isLate ? performance.now() + lateMs : 0;
        if (isLate) replaceSilent(session, ofSession);
      });
    },
    async giveWayTo(openOther) {
      const room = reading?.giveWay();
      if (room) {
        await room;
        return await openPersistently(openOther);
      }
      if (state.kind !== 'open' || underWay.size > 0 || use === 'more') return undefined;
      return await giveWay(state.session, openOther);
    },
  };
}

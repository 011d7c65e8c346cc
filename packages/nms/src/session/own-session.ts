import type { ClientConnection } from '@callhome/shared/connection/connection.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import {
  type ClientSession,
  openClientSession,
  type ReplyStream,
  type RequestOptions,
} from '@callhome/shared/netconf/client-session.js';
import type { Operation } from '@callhome/shared/netconf/operation.js';

/** A session that ends sooner is not replaced: what is wrong with it would be wrong with the next one. */
const leastUptimeMs = 60_000;

/** Operations that change nothing: `get`, `get-config`, `get-schema`, and those of devices' own. */
const reads = /^get(-|$)/;

/** The collector's own NETCONF session with a device, shared by all who send single operations. */
export interface OwnSession {
  /** The one that is open. */
  readonly current: Pick<ClientSession, 'sessionId' | 'capabilities'> | undefined;
  /** Sends one operation; resolves with the first bytes of its reply. A session is opened where none is. */
  send(operation: Operation, options: RequestOptions): Promise<ReplyStream>;
  /**
   * Closes it in order, where that loses nothing: nothing is under way on it, and it was used for reading alone, since with
   * its session a confirmed commit ends. False where it stays, or was not open. The next use opens another.
   */
  giveWay(): Promise<boolean>;
}

export interface OwnSessionOptions {
  readonly helloTimeoutMs: number;
  /** One that the device ended was replaced. @param reason why it had ended */
  onReplaced(session: ClientSession, reason: string): void;
}

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'opening'; readonly opening: Promise<ClientSession> }
  | { readonly kind: 'open' | 'giving way'; readonly session: ClientSession; readonly since: number };

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
  let underWay = 0;
  /** What the session that is open was used for. */
  let use: 'reading' | 'more' = 'reading';

  async function open(): Promise<ClientSession> {
    try {
      const session = await openClientSession(await connection.openSession(), { helloTimeoutMs });
      state = { kind: 'open', session, since: performance.now() };
      use = 'reading';
      void session.closed.then((error) => follow(session, error));
      return session;
    } catch (error) {
      state = { kind: 'none' };
      throw error;
    }
  }

  function opened(): Promise<ClientSession> {
    if (state.kind === 'open') return Promise.resolve(state.session);
    if (state.kind === 'opening') return state.opening;
    state = { kind: 'opening', opening: open() };
    return state.opening;
  }

  /** What comes after the end of a session. */
  function follow(session: ClientSession, error: Error | undefined): void {
    if (!('session' in state) || state.session !== session) return;
    const { kind, since } = state;
    state = { kind: 'none' };
    if (kind === 'giving way') return;
    const why = error ? reasonOf(error) : 'it was closed';
    const end = (): void => connection.end(new CallhomeError('CALLHOME_SESSION_CLOSED', { why }, error));
    if (performance.now() - since < leastUptimeMs) end();
    else opened().then((next) => onReplaced(next, why), end);
  }

  // Once: a connection may outlive any number of sessions.
  void connection.ended.then((reason) => {
    if ('session' in state) state.session.destroy(reason);
  });
  await opened();
  return {
    get current() {
      return state.kind === 'open' ? state.session : undefined;
    },
    async send(operation, options) {
      underWay += 1;
      const over = (): void => {
        underWay -= 1;
      };
      try {
        const session = await opened();
        if (!reads.test(operation.name)) use = 'more';
        const reply = await session.stream(operation, options);
        void reply.errors.then(over, over);
        return reply;
      } catch (error) {
        over();
        throw error;
      }
    },
    async giveWay() {
      if (state.kind !== 'open' || underWay > 0 || use === 'more') return false;
      const { session } = state;
      state = { ...state, kind: 'giving way' };
      await session.close();
      return true;
    },
  };
}

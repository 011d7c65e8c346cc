import type { ClientConnection } from '@callhome/shared/connection/connection.js';
import { isCallhomeError } from '@callhome/shared/errors.js';
import { type ClientSession, openClientSession } from '@callhome/shared/netconf/client-session.js';

/** Without anything under way on it. */
const idleTimeoutMs = 30_000;

/** A further session of the collector's for what only reads, while its first one is held up. */
export interface ReadingSession {
  /** The session, opened where there is none; undefined where the device has no room for it. */
  get(): Promise<ClientSession | undefined>;
  /** Something is under way on it; the result says that it is over. */
  use(): () => void;
  /** Closes it, where nothing is under way on it: then resolves when there is room. */
  giveWay(): Promise<void> | undefined;
  /** Ends it at once, with all that is under way on it. */
  destroy(reason: Error): void;
}

type State =
  | { readonly kind: 'none' }
  /** The device has no room for it, and will not be asked again on this connection. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'opening'; readonly opening: Promise<ClientSession | undefined> }
  | { readonly kind: 'open'; readonly session: ClientSession };

/** It is opened when it is needed, and closed when it is idle. */
export function createReadingSession(connection: ClientConnection, helloTimeoutMs: number): ReadingSession {
  let state: State = { kind: 'none' };
  let underWay = 0;
  let idle: NodeJS.Timeout | undefined;

  async function open(): Promise<ClientSession | undefined> {
    try {
      const session = await openClientSession(await connection.openSession(), { helloTimeoutMs });
      state = { kind: 'open', session };
      void session.closed.then(() => {
        clearTimeout(idle);
        if (state.kind === 'open' && state.session === session) state = { kind: 'none' };
      });
      return session;
    } catch (error) {
      const refused = isCallhomeError(error, 'CALLHOME_CHANNEL_REFUSED') && error.facts.answered;
      state = { kind: refused ? 'refused' : 'none' };
      return undefined;
    }
  }

  function close(): Promise<void> | undefined {
    if (state.kind !== 'open' || underWay > 0) return undefined;
    const { session } = state;
    state = { kind: 'none' };
    return session.close();
  }

  return {
    async get() {
      if (state.kind === 'refused' || connection.maxSessions === 1) return undefined;
      if (state.kind === 'open') return state.session;
      if (state.kind === 'none') state = { kind: 'opening', opening: open() };
      return state.opening;
    },
    use() {
      underWay += 1;
      clearTimeout(idle);
      return () => {
        underWay -= 1;
        if (underWay === 0) idle = setTimeout(() => void close(), idleTimeoutMs).unref();
      };
    },
    giveWay: close,
    destroy(reason) {
      if (state.kind === 'open') state.session.destroy(reason);
    },
  };
}

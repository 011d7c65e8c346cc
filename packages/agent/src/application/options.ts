import type { Log } from '@callhome/shared/log.js';
import type { Backend } from '../backend/backend.js';
import type { serveConnection } from '../connection/connection.js';
import type { dialTcp } from '../dial/tcp.js';
import type { Clock } from './clock.js';
import type { RememberedEndpoints } from './remembered-endpoints.js';
import type { Dice } from './strategy.js';

/** What holds for all applications, and may change while they run: it is looked up for each attempt and session. */
export interface AgentSettings {
  readonly backend: Backend;
  readonly backoffCapSeconds: number;
  readonly handshakeTimeoutSeconds: number;
  readonly maxSessions: number;
  readonly sessionLingerSeconds: number;
}

export interface ApplicationOptions {
  readonly settings: () => AgentSettings;
  readonly remembered: RememberedEndpoints;
  readonly dial: typeof dialTcp;
  /** Serves a connection that was dialled. */
  readonly serve: typeof serveConnection;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log: Log;
}

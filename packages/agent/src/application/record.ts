import type { ApplicationConfig, EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { ServedConnection } from '../connection/connection.js';
import type { Clock } from './clock.js';
import type { ApplicationStatus } from './status.js';
import type { Attempt } from './strategy.js';

/** What an application is doing, and what ends that. Times are by the wall clock. */
export type Activity =
  /** `until`: when its next attempt is due, where that is known. */
  | { readonly state: 'waiting'; readonly until: number | undefined; readonly end: () => void }
  | { readonly state: 'dialling' | 'authenticating'; readonly end: () => void }
  | {
      readonly state: 'connected';
      readonly since: number;
      readonly connection: ServedConnection;
      readonly end: (reason: CallhomeError) => void;
    };

/** What has become of an application's attempts. */
export interface ApplicationRecord {
  readonly lastError: ApplicationStatus['lastError'];
  attempted(): void;
  failed(endpoint: EndpointConfig, error: unknown): void;
  connected(): void;
  /** @param trouble undefined where nothing is wrong */
  disconnected(endpoint: EndpointConfig, sessions: number, trouble: CallhomeError | undefined): void;
  /** @param attempt that is made, or comes next */
  status(activity: Activity, attempt: Attempt, endpoint: EndpointConfig): ApplicationStatus;
}

/** As in RFC 3339. */
function timeText(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** Keeps an application's record from its start on. */
export function createRecord(config: ApplicationConfig, clock: Clock): ApplicationRecord {
  let lastError: ApplicationStatus['lastError'];
  const totals = { attempts: 0, failures: 0, connections: 0, sessions: 0 };

  function noteError({ name: endpoint }: EndpointConfig, error: unknown): void {
    const code = error instanceof CallhomeError ? error.code : undefined;
    lastError = { code, message: reasonOf(error), endpoint, at: new Date(clock.now()).toISOString() };
  }
  return {
    get lastError() {
      return lastError;
    },
    attempted() {
      totals.attempts += 1;
    },
    failed(endpoint, error) {
      totals.failures += 1;
      noteError(endpoint, error);
    },
    connected() {
      totals.connections += 1;
    },
    disconnected(endpoint, sessions, trouble) {
      totals.sessions += sessions;
      if (trouble) noteError(endpoint, trouble);
      else lastError = undefined;
    },
    status(activity, attempt, { name, address, port }) {
      const connected = activity.state === 'connected' ? activity : undefined;
      const sessions = connected?.connection.sessions;
      return {
        application: config.name,
        connectionType: config.connectionType.kind,
        state: activity.state,
        endpoint: name,
        address,
        port,
        attempt: attempt.number,
        maxAttempts: config.maxAttempts,
        nextAttempt: timeText(activity.state === 'waiting' ? activity.until : undefined),
        connectedSince: timeText(connected?.since),
        user: connected?.connection.user,
        sessions: sessions?.open ?? 0,
        lastError,
        totals: { ...totals, sessions: totals.sessions + (sessions?.total ?? 0) },
      };
    },
  };
}

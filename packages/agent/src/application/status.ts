import type { ErrorCode } from '@callhome/shared/errors.js';

/** What an application is doing. `waiting`: for its next attempt or, a periodic one, for its time. */
export type ApplicationState = 'waiting' | 'dialling' | 'authenticating' | 'connected';

/** What is to be seen of an application. Times of the wall clock, in milliseconds since 1970. */
export interface ApplicationStatus {
  readonly application: string;
  readonly connectionType: 'persistent' | 'periodic';
  readonly state: ApplicationState;
  /** Of the connection, or of the attempt that is made or comes next. */
  readonly endpoint: string;
  readonly address: string;
  readonly port: number;
  /** The how-manieth at this endpoint, of how many. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly nextAttempt: number | undefined;
  readonly connectedSince: number | undefined;
  /** Who is logged in. */
  readonly user: string | undefined;
  /** NETCONF sessions that are open. */
  readonly sessions: number;
  readonly lastError: LastError | undefined;
  readonly totals: Totals;
}

/**
 * Why the last attempt failed, or the last connection was lost: it may have been repaired since, and `at` tells when it was.
 * After a periodic connection that ended in order there is none.
 */
export interface LastError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly endpoint: string;
  readonly at: number;
}

/** Since the start of the application. */
export interface Totals {
  readonly attempts: number;
  readonly failures: number;
  readonly connections: number;
  readonly sessions: number;
}

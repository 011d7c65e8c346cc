import { z } from 'zod';
import type { ApplicationStatus } from './status.js';

const time = z.string();
const count = z.number();

const statusView = z.object({
  application: z.string(),
  connectionType: z.enum(['persistent', 'periodic']),
  state: z.enum(['waiting', 'dialling', 'authenticating', 'connected']),
  endpoint: z.string(),
  address: z.string(),
  port: count,
  attempt: count,
  maxAttempts: count,
  nextAttempt: time.optional(),
  connectedSince: time.optional(),
  user: z.string().optional(),
  sessions: count,
  lastError: z
    .object({ code: z.string().optional(), message: z.string(), endpoint: z.string(), at: time })
    .optional(),
  totals: z.object({ attempts: count, failures: count, connections: count, sessions: count }),
});

/** An application's status as programs get it: times as in RFC 3339. */
export type StatusView = z.infer<typeof statusView>;

export const statusViews = z.array(statusView);

function timeText(time: number): string {
  return new Date(time).toISOString();
}

/** An application's status for programs. */
export function viewOf(status: ApplicationStatus): StatusView {
  const { nextAttempt, connectedSince, user, lastError, ...others } = status;
  return {
    ...others,
    ...(nextAttempt !== undefined && { nextAttempt: timeText(nextAttempt) }),
    ...(connectedSince !== undefined && { connectedSince: timeText(connectedSince) }),
    ...(user !== undefined && { user }),
    ...(lastError && { lastError: { ...lastError, at: timeText(lastError.at) } }),
  };
}

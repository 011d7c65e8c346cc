import type { DeviceRecord } from './registry.js';

/** Why a device is not connected. */
export interface Down {
  /** It has not proved its key yet, its last connection has ended, or its last call has failed after that. */
  readonly kind: 'never-called' | 'lost' | 'refused';
  /**
   * From when on it is not there, at the latest: the end of its last connection, or the time from which it is known.
   * ISO 8601, UTC; null where that is not known. So is `at`.
   */
  readonly since: string | null;
  /** When it was lost or refused. */
  readonly at: string | null;
  /** Of the catalogue, and the words. */
  readonly code: string | null;
  readonly reason: string | null;
}

type Known = Pick<
  DeviceRecord,
  'hostKeys' | 'state' | 'connections' | 'disconnectedAt' | 'reason' | 'lastAttempt' | 'recentEnds'
>;

/** From when on a device is known, as far as its keys tell. */
function knownSince({ hostKeys }: Known): string | null {
  return hostKeys.reduce<string | null>(
    (first, { learnedAt }) =>
      learnedAt !== undefined && (first === null || learnedAt < first) ? learnedAt : first,
    null,
  );
}

/** Why a device is down; null where it is not. @param connected whether it is, now: a registry hears of it later */
export function downOf(device: Known, connected: boolean): Down | null {
  if (connected) return null;
  const { lastAttempt, disconnectedAt, recentEnds = [] } = device;
  const since = disconnectedAt ?? knownSince(device);
  // Its last connection is over, and how it ended has still to be kept.
  if (device.state === 'connected') return { kind: 'lost', since: null, at: null, code: null, reason: null };
  if (lastAttempt && (disconnectedAt === undefined || lastAttempt.at >= disconnectedAt)) {
    const { at, code, reason } = lastAttempt;
    return { kind: 'refused', since, at, code, reason };
  }
  if (disconnectedAt === undefined)
    return { kind: 'never-called', since, at: null, code: null, reason: null };
  const end = recentEnds.find(({ at }) => at === disconnectedAt);
  return { kind: 'lost', since, at: disconnectedAt, code: end?.code ?? null, reason: device.reason ?? null };
}

/** Why a device is down, in words that follow "the device … is not connected: it". */
export function downWords({ kind, at, reason }: Down): string {
  const because = reason === null ? '' : `: ${reason}`;
  switch (kind) {
    case 'never-called':
      return 'has never called';
    case 'lost':
      return `was lost${at === null ? '' : ` at ${at}`}${because}`;
    case 'refused':
      return `called last at ${at} and was refused${because}`;
  }
}

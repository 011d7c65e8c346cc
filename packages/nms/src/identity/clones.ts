/** A live connection of a device that gave way to a call of the same key from another host. */
export interface Takeover {
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
}

/** How long a takeover counts. Milliseconds. */
const window = 10 * 60_000;
/** So many say that it is no device that has moved, or lost its connection unnoticed. */
const tooMany = 4;

/** Those of a device's takeovers, oldest first, that still count at `now`, at most as many as say enough. */
export function recentTakeovers(takeovers: readonly Takeover[], now: number): readonly Takeover[] {
  return takeovers.filter(({ at }) => now - at < window).slice(-tooMany);
}

/**
 * Where else a device's key is in use, as far as its takeovers tell: two hosts that throw each other out again and again
 * are most likely two devices with one key, of which one is a copy. The key alone cannot tell them apart.
 */
export function likelyClone(takeovers: readonly Takeover[], now: number): string | undefined {
  const recent = recentTakeovers(takeovers, now);
  const last = recent.at(-1);
  const returned = recent.filter(({ to }, index) => recent.slice(0, index).some(({ from }) => from === to));
  // The first of two that take turns is new, each further one has been there before.
  return recent.length === tooMany && returned.length >= tooMany - 2 ? last?.from : undefined;
}

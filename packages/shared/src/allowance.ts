/** What may be spent, at once up to `burst`, and later so much for each second since. */
export interface AllowanceLimits {
  readonly burst: number;
  readonly perSecond: number;
}

/** For people: what may be spent of something. */
export function allowanceText({ burst, perSecond }: AllowanceLimits): string {
  return `${burst}, and ${perSecond} a second`;
}

/** Keeps count of something that nobody needs much of. */
export interface Allowance {
  /** @param now milliseconds of a monotonic clock @returns false: there is not so much left */
  spend(amount: number, now: number): boolean;
}

export function createAllowance({ burst, perSecond }: AllowanceLimits): Allowance {
  let left = burst;
  let last: number | undefined;
  return {
    spend(amount, now) {
      left = Math.min(burst, left + ((now - (last ?? now)) / 1000) * perSecond) - amount;
      last = now;
      return left >= 0;
    },
  };
}

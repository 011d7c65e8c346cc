/** How many keys each source has, and how many there are. */
export interface SourceTally {
  of(source: string): number;
  total(): number;
  add(source: string): void;
  remove(source: string): void;
  /** It was heard of again. */
  heard(source: string): void;
  /** The source that has most; of several, that which has been silent longest. Undefined where there is none. */
  busiest(): string | undefined;
}

/** @param entries the source that has been silent longest first */
export function tallySources(entries: Iterable<readonly [source: string, keys: number]>): SourceTally {
  const keys = new Map(entries);
  let total = 0;
  for (const count of keys.values()) total += count;

  /** Whatever is set anew is last in the order of a map. */
  function set(source: string, count: number): void {
    keys.delete(source);
    if (count > 0) keys.set(source, count);
  }

  const of = (source: string): number => keys.get(source) ?? 0;
  return {
    of,
    total: () => total,
    add(source) {
      set(source, of(source) + 1);
      total += 1;
    },
    remove(source) {
      if (of(source) === 1) keys.delete(source);
      else keys.set(source, of(source) - 1);
      total -= 1;
    },
    heard: (source) => set(source, of(source)),
    busiest() {
      let most = 0;
      let found: string | undefined;
      for (const [source, count] of keys) {
        if (count <= most) continue;
        most = count;
        found = source;
      }
      return found;
    },
  };
}

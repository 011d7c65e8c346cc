/** How long lines of one source and kind are gathered. Milliseconds. */
const period = 10_000;
/** Lines of one source and kind that are written as they come. */
const first = 3;
/** Sources and kinds that are told apart at once. */
const maxKeys = 100;

/**
 * Lines of the log that anybody can bring about, as many as they like. The first ones of a source and kind are written at
 * once; those that follow within the period are one line at its end.
 */
export interface GatheredLines {
  /** @param write writes the line, for itself and so many others */
  add(source: string, kind: string, write: (others: number) => void): void;
  /** Writes all that is still to be written. */
  flush(): void;
}

interface Gathering {
  readonly timer: NodeJS.Timeout;
  written: number;
  /** Those that are still to be written. */
  count: number;
  /** Of the last line. */
  write: (others: number) => void;
}

/** Gathers lines; where there are too many sources, those of one kind go together. */
export function gatherLines(): GatheredLines {
  const gatherings = new Map<string, Gathering>();

  function close(key: string): void {
    const gathering = gatherings.get(key);
    if (!gathering) return;
    gatherings.delete(key);
    clearTimeout(gathering.timer);
    if (gathering.count > 0) gathering.write(gathering.count - 1);
  }

  return {
    add(source, kind, write) {
      const own = `${kind} ${source}`;
      const key = gatherings.has(own) || gatherings.size < maxKeys ? own : kind;
      const gathering = gatherings.get(key);
      if (gathering && gathering.written >= first) {
        gathering.count += 1;
        gathering.write = write;
        return;
      }
      if (gathering) gathering.written += 1;
      else
        gatherings.set(key, { timer: setTimeout(close, period, key).unref(), written: 1, count: 0, write });
      write(0);
    },
    flush() {
      for (const key of [...gatherings.keys()]) close(key);
    },
  };
}

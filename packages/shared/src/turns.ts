/** What may be taken of one turn of the event loop. Milliseconds. */
export const share = 1;

/** What is worked through between two looks at the clock. Bytes. */
export const slice = 4096;

const waiting: (() => void)[] = [];

function workOn(): void {
  const [work] = waiting.splice(0, 1);
  if (waiting.length > 0) setImmediate(workOn);
  work?.();
}

/**
 * Goes on with work that has taken its share: of all that wait, one each turn of the event loop, first come, first
 * served. However many there are, nobody else waits for more than one share.
 */
export function inTurn(work: () => void): void {
  waiting.push(work);
  if (waiting.length === 1) setImmediate(workOn);
}

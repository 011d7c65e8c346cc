import type { DeviceView } from '../northbound/http/schemas.js';

type Compare = (a: DeviceView, b: DeviceView) => number;

/** What is not known comes last. */
function compareTimes(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}

const since = ({ state, connectedAt, down }: DeviceView): string | null =>
  state === 'connected' ? connectedAt : (down?.since ?? null);

const orders = {
  id: () => 0,
  state: (a, b) => Number(a.state === 'connected') - Number(b.state === 'connected'),
  since: (a, b) => compareTimes(since(a), since(b)),
  connections: (a, b) => b.connections - a.connections,
} as const satisfies Record<string, Compare>;

/** How a list may be sorted that is sorted by id: what is equal stays so. */
export type Order = keyof typeof orders;

export const deviceOrders: Readonly<Record<Order, Compare>> = orders;

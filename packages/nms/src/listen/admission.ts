import type { NmsConfig } from '@callhome/shared/config/nms-config.js';

/** A connection of somebody who has not authenticated yet. */
export interface Newcomer {
  /** Whoever shares it shares a lot: see `sourceOf`. */
  readonly source: string;
  /** Milliseconds of a monotonic clock. */
  readonly since: number;
  /** Nothing has come from it. A device is an SSH server: it speaks at once. */
  readonly silent: boolean;
}

/** What is going on when a device calls. */
export interface Load<N extends Newcomer> {
  /** Connections, established or not. */
  readonly connections: number;
  /** Those that have not authenticated, in the order in which they came. */
  readonly newcomers: ReadonlySet<N>;
  /** Those that are left are for other things than calls. */
  readonly fewDescriptors: boolean;
}

type Rule = 'too-few-descriptors' | 'too-many-connections' | 'too-many-handshakes';

export type Verdict<N extends Newcomer> =
  /** `insteadOf`: who gives way. */
  { readonly kind: 'admitted'; readonly insteadOf?: N } | { readonly kind: 'refused'; readonly rule: Rule };

/** For the first bytes of a device to arrive, lost once on the way. Milliseconds. */
const firstWords = 500;

/** The newcomers of the source that has the most, and how many are of `source`. */
function holders<N extends Newcomer>(newcomers: ReadonlySet<N>, source: string): { most: N[]; own: number } {
  const bySource = new Map<string, N[]>();
  for (const newcomer of newcomers) {
    const list = bySource.get(newcomer.source);
    if (list) list.push(newcomer);
    else bySource.set(newcomer.source, [newcomer]);
  }
  let most: N[] = [];
  for (const list of bySource.values()) if (list.length > most.length) most = list;
  return { most, own: bySource.get(source)?.length ?? 0 };
}

/**
 * Whether one more call is taken; decided before any work is done for it. Where as many have not authenticated as may,
 * no source keeps the others out: of the one that has most, the longest silent gives way, or else the last that came,
 * for whom least was done. Within one source those give way that have had time to speak and did not.
 */
export function admit<N extends Newcomer>(
  { connections, newcomers, fewDescriptors }: Load<N>,
  limits: NmsConfig['admission'],
  source: string,
  now: number,
): Verdict<N> {
  if (fewDescriptors) return { kind: 'refused', rule: 'too-few-descriptors' };
  if (connections >= limits.maxConnections) return { kind: 'refused', rule: 'too-many-connections' };
  if (newcomers.size < limits.maxHandshakes) return { kind: 'admitted' };
  const { most, own } = holders(newcomers, source);
  const insteadOf =
    most.length > own + 1
      ? (most.find(({ silent }) => silent) ?? most.at(-1))
      : [...newcomers].find(({ silent, since }) => silent && now - since >= firstWords);
  return insteadOf ? { kind: 'admitted', insteadOf } : { kind: 'refused', rule: 'too-many-handshakes' };
}

/** Whom an address belongs to, as far as it tells: an IPv4 address is one site's; of IPv6 anybody has a whole /64. */
export function sourceOf(address: string): string {
  const [plain = ''] = address.split('%');
  if (!plain.includes(':')) return plain;
  const [before = '', after] = plain.split('::');
  const head = before.split(':').filter(Boolean);
  const tail = (after ?? '').split(':').filter(Boolean);
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

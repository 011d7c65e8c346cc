import { Socket } from 'node:net';
import { firstToAnswer, type Open } from '@callhome/agent/dial/happy-eyeballs.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What an address does when it is tried, and after how many milliseconds. */
interface Behaviour {
  readonly family: 4 | 6;
  readonly does: 'answer' | 'refuse' | 'stay silent';
  readonly after: number;
}

/** Addresses that do so; `a0` is the first. */
function network(behaviours: readonly Behaviour[]) {
  const tried: { name: string; at: number }[] = [];
  const sockets: Socket[] = [];
  const start = Date.now();
  const open: Open = (name, signal) => {
    tried.push({ name, at: Date.now() - start });
    const behaviour = behaviours[Number(name.slice(1))];
    return new Promise((resolve, reject) => {
      // An answer that is on its way already may come in spite of the abort.
      if (behaviour?.does !== 'answer')
        signal.addEventListener('abort', () => reject(new Error(`silent ${name}`)));
      if (behaviour?.does === 'refuse')
        setTimeout(() => reject(new Error(`refused ${name}`)), behaviour.after);
      if (behaviour?.does !== 'answer') return;
      setTimeout(() => {
        const socket = new Socket();
        sockets.push(socket);
        resolve(socket);
      }, behaviour.after);
    });
  };
  const addresses = behaviours.map(({ family }, index) => ({ address: `a${index}`, family }));
  return { tried, sockets, open, addresses };
}

const silent: Behaviour = { family: 4, does: 'stay silent', after: 0 };

describe('the addresses of a name', () => {
  it('are tried a moment apart, the families in turn, the first one first', async () => {
    const families = [6, 6, 6, 4] as const;
    const { tried, open, addresses } = network(families.map((family) => ({ ...silent, family })));
    const limit = new AbortController();
    const outcome = firstToAnswer(addresses, open, 60, limit.signal).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2000);
    expect(tried).toEqual([
      { name: 'a0', at: 0 },
      { name: 'a3', at: 250 },
      { name: 'a1', at: 500 },
      { name: 'a2', at: 750 },
    ]);
    limit.abort();
    expect(await outcome).toEqual(new Error('silent a0, silent a3, silent a1, silent a2'));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are tried at once after a failure', async () => {
    const { tried, open, addresses } = network([{ ...silent, does: 'refuse', after: 10 }, silent]);
    const limit = new AbortController();
    const outcome = firstToAnswer(addresses, open, 60, limit.signal).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    expect(tried).toEqual([
      { name: 'a0', at: 0 },
      { name: 'a1', at: 10 },
    ]);
    limit.abort();
    expect(await outcome).toEqual(new Error('refused a0, silent a1'));
  });

  it('all get their turn in half of the time, up to 32 of them', async () => {
    const { tried, open, addresses } = network(Array(40).fill(silent));
    const limit = new AbortController();
    const outcome = firstToAnswer(addresses, open, 1, limit.signal).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(500);
    expect(tried).toHaveLength(32);
    limit.abort();
    await outcome;
  });

  it('yield one socket, or what each one answered; nothing else is left, whatever they do and when', async () => {
    const behaviour = fc.record<Behaviour>({
      family: fc.constantFrom(4, 6),
      does: fc.constantFrom('answer', 'refuse', 'stay silent'),
      // Many at the same moment, as the next one starts or just as the time is up.
      after: fc.constantFrom(0, 1, 250, 500, 1000, 5000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 6 }), async (behaviours) => {
        const { tried, sockets, open, addresses } = network(behaviours);
        const limit = new AbortController();
        setTimeout(() => limit.abort(), 5000);
        const outcome = firstToAnswer(addresses, open, 5, limit.signal).catch((error: unknown) => error);
        await vi.advanceTimersByTimeAsync(20_000);
        const result = await outcome;
        expect(sockets.filter(({ destroyed }) => !destroyed)).toEqual(
          result instanceof Socket ? [result] : [],
        );
        const soon = behaviours.some(({ does, after }) => does === 'answer' && after < 2500);
        if (soon) expect(result).toBeInstanceOf(Socket);
        if (result instanceof Error) {
          expect(tried).toHaveLength(behaviours.length);
          expect(behaviours.every(({ does, after }) => does !== 'answer' || after === 5000)).toBe(true);
        }
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });
});

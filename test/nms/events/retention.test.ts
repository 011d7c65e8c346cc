import { keepRetention } from '@callhome/nms/events/retention.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hour = 60 * 60_000;

test('what is too old is forgotten at the start and once a day, whatever became of it before', async () => {
  const emit = vi.fn();
  const prune = vi.fn(async (_now: string, _signal: AbortSignal) => undefined);
  prune.mockRejectedValueOnce(new Error('the disk is full'));
  const retention = keepRetention({ list: async () => [], prune }, emit);
  await vi.advanceTimersByTimeAsync(23 * hour);
  expect(prune).toHaveBeenCalledTimes(1);
  expect(emit.mock.calls).toEqual([
    [{ kind: 'registry-failed', about: 'past connections', reason: 'the disk is full' }],
  ]);
  await vi.advanceTimersByTimeAsync(2 * hour);
  expect(prune).toHaveBeenCalledTimes(2);
  const [[first] = [], [second] = []] = prune.mock.calls;
  expect(Date.parse(second ?? '') - Date.parse(first ?? '')).toBe(24 * hour);
  await retention.stop();
  await vi.advanceTimersByTimeAsync(48 * hour);
  expect(prune).toHaveBeenCalledTimes(2);
  expect(emit).toHaveBeenCalledTimes(1);
});

test('a stop ends what is under way, and waits for it', async () => {
  let over = false;
  const prune = (_now: string, signal: AbortSignal) =>
    new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => {
        over = true;
        resolve();
      }),
    );
  const retention = keepRetention({ list: async () => [], prune }, () => undefined);
  await vi.advanceTimersByTimeAsync(0);
  await retention.stop();
  expect(over).toBe(true);
});

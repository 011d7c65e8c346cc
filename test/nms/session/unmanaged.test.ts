import { limitUnmanaged } from '@callhome/nms/session/unmanaged.js';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { expect, it, vi } from 'vitest';

const proof = { transport: 'ssh' as const, hostKey: Buffer.from('key') };

/** Connections of a device, in the order in which they come. */
function createCalls() {
  const unmanaged = limitUnmanaged('a');
  const lives: Lifecycle[] = [];
  return {
    unmanaged,
    call(device = 'router1'): Lifecycle {
      const life = { end: vi.fn() } as unknown as Lifecycle;
      lives.push(life);
      unmanaged.add(device, { life, proof, remoteAddress: `10.0.0.${lives.length} port 1` });
      return life;
    },
    /** Which of them were ended, by whom. */
    ended: () =>
      lives.map(({ end }) => vi.mocked(end).mock.calls.map(([{ code, message }]) => `${code} ${message}`)),
  };
}

const replacedBy = (number: number) =>
  `CALLHOME_REPLACED the device called again, from 10.0.0.${number} port 1`;

it('a device has two connections that are not managed, however long the others take to end', () => {
  const { call, ended } = createCalls();
  for (let calls = 0; calls < 5; calls += 1) call();
  expect(ended()).toEqual([[replacedBy(3)], [replacedBy(4)], [replacedBy(5)], [], []]);
});

it('those of other devices and those that are over do not count', () => {
  const { call, ended, unmanaged } = createCalls();
  const over = call();
  call();
  call('router2');
  unmanaged.remove('router1', over);
  call();
  expect(ended()).toEqual([[], [], [], []]);
  expect(unmanaged.remove('router3', over)).toBeUndefined();
});

it('a change ends those that it revokes, of its device', () => {
  const { call, ended, unmanaged } = createCalls();
  call();
  call('router2');
  call();
  unmanaged.follow({ kind: 'removed', id: 'router1' });
  unmanaged.follow({ kind: 'removed', id: 'router3' });
  const removed = 'CALLHOME_DISCONNECTED the device was removed';
  expect(ended()).toEqual([[removed], [], [removed]]);
});

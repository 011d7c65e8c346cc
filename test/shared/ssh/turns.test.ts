import { PassThrough } from 'node:stream';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { readInTurns } from '@callhome/shared/ssh/turns.js';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

// Time passes where a test says so, and nowhere else.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** What ssh2 has of a connection, where each piece costs so many milliseconds. */
function createConnection(cost: number) {
  const pieces: Buffer[] = [];
  const parse = (data: Buffer, from: number, to: number): void => {
    pieces.push(data.subarray(from, to));
    vi.advanceTimersByTime(cost);
  };
  const errors: unknown[] = [];
  const connection = { _protocol: { parse }, emit: (_name: string, error: unknown) => errors.push(error) };
  const socket = new PassThrough();
  const life = { stage: 'open', ended: new Promise(() => undefined) } as unknown as Lifecycle;
  readInTurns(connection as never, socket as never, life);
  const arrive = (bytes: Buffer): void => connection._protocol.parse(bytes, 0, bytes.length);
  return { connection, socket, pieces, errors, arrive };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

it('takes a turn for each piece that costs much, and reads nothing more meanwhile', async () => {
  const { socket, pieces, arrive } = createConnection(2);
  const bytes = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 251));
  arrive(bytes);
  expect(pieces).toHaveLength(1);
  expect(socket.isPaused()).toBe(true);
  arrive(Buffer.from('behind'));
  for (let turn = 2; turn <= 17; turn += 1) {
    await nextTurn();
    expect(pieces).toHaveLength(turn);
  }
  expect(Buffer.concat(pieces).equals(Buffer.concat([bytes, Buffer.from('behind')]))).toBe(true);
  expect(socket.isPaused()).toBe(false);
});

it('goes on in the same turn until its share of it is used up', async () => {
  const { pieces, arrive } = createConnection(0.4);
  arrive(Buffer.alloc(7 * 4096));
  expect(pieces).toHaveLength(3);
  await nextTurn();
  expect(pieces).toHaveLength(6);
  await nextTurn();
  expect(pieces).toHaveLength(7);
});

it('works through what costs little at once', () => {
  const { socket, pieces, arrive } = createConnection(0);
  arrive(Buffer.alloc(3 * 4096 + 1));
  expect(pieces.map(({ length }) => length)).toEqual([4096, 4096, 4096, 1]);
  expect(socket.isPaused()).toBe(false);
});

it('tells of what is wrong in a later turn as ssh2 does', async () => {
  const { connection, socket, errors } = createConnection(0);
  let calls = 0;
  const failing = {
    _protocol: {
      parse() {
        calls += 1;
        vi.advanceTimersByTime(2);
        if (calls === 2) throw new Error('garbage');
      },
    },
    emit: connection.emit,
  };
  readInTurns(
    failing as never,
    socket as never,
    { stage: 'open', ended: new Promise(() => undefined) } as never,
  );
  (failing._protocol.parse as (...args: unknown[]) => void)(Buffer.alloc(10_000), 0, 10_000);
  await nextTurn();
  expect(errors).toEqual([new Error('garbage')]);
  expect(socket.writableEnded).toBe(true);
});

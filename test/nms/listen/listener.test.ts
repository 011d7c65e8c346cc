import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Listener, listen } from '@callhome/nms/listen/listener.js';
import { deferred } from '@callhome/shared/deferred.js';
import { expect, it } from 'vitest';
import { keepaliveTimer } from '../../programs/keepalive-timer.js';

/** One call, as the listener hands it on. */
async function call(keepaliveSeconds: number | undefined): Promise<{ listener: Listener; ends: Socket[] }> {
  const { promise, resolve } = deferred<Socket>();
  const listener = await listen({ address: '127.0.0.1', port: 0, keepaliveSeconds }, resolve);
  const caller = connect(listener.port, '127.0.0.1');
  await once(caller, 'connect');
  return { listener, ends: [await promise, caller] };
}

it.runIf(process.platform === 'linux').each([
  [undefined, undefined],
  [7200, 7200],
  [60, 60],
])(
  'calls have TCP keep-alives after the idle time, where asked for: %j',
  async (keepaliveSeconds, expected) => {
    const { listener, ends } = await call(keepaliveSeconds);
    try {
      const [accepted] = ends;
      const seconds = accepted && (await keepaliveTimer(accepted));
      if (expected === undefined) expect(seconds).toBe(undefined);
      else {
        expect(seconds).toBeGreaterThan(expected - 30);
        expect(seconds).toBeLessThanOrEqual(expected);
      }
    } finally {
      for (const socket of ends) socket.destroy();
      listener.close();
    }
  },
);

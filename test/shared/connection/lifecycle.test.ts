import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Lifecycle, watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { afterEach, describe, expect, it, vi } from 'vitest';

const [first, second] = ['the first reason', 'another one'].map(
  (reason) => new CallhomeError('CALLHOME_DISCONNECTED', { reason }),
) as [CallhomeError, CallhomeError];

let sockets: Socket[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
  sockets = [];
});

/** The two ends of a connection on loopback, of which a lifecycle owns the near one. */
async function connected(timeoutSeconds = 60): Promise<{ life: Lifecycle; near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const calling = once(server, 'connection');
  const near = connect({ port: typeof address === 'object' ? (address?.port ?? 0) : 0, host: '127.0.0.1' });
  const [far] = (await calling) as [Socket];
  server.close();
  far.on('error', () => undefined);
  sockets.push(near, far);
  if (near.connecting) await once(near, 'connect');
  return { life: watchLifecycle(near, timeoutSeconds), near: near.resume(), far };
}

describe('the clock of the opening', () => {
  it('names the phase in which it runs out, and resets the socket', async () => {
    const { life, far } = await connected(0.05);
    const reset = once(far.resume(), 'error');
    life.enter('second phase');
    expect(await life.ended).toMatchObject({
      code: 'CALLHOME_HANDSHAKE_TIMEOUT',
      message: 'the second phase was not complete within 0.05 s',
    });
    expect(life.stage).toBe('ended');
    expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('stands still once it is open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { life } = await connected(1);
    expect(life.open(() => undefined)).toBe(true);
    vi.advanceTimersByTime(10_000);
    expect(life.stage).toBe('open');
  });
});

describe('a peer that closes the connection', () => {
  it.each([
    ['at once', [], 'the peer closed the connection during the opening'],
    ['in a later phase', ['second phase'], 'the peer closed the connection during the second phase'],
  ])('%s is told with the phase', async (_when, phases, message) => {
    const { life, far } = await connected();
    for (const phase of phases) expect(life.enter(phase)).toBe(true);
    far.end();
    expect(await life.ended).toMatchObject({ code: 'CALLHOME_PEER_CLOSED', message });
  });

  it('once it is open is told without any', async () => {
    const { life, far } = await connected();
    life.open(() => undefined);
    far.end();
    expect(await life.ended).toMatchObject({ message: 'the peer closed the connection' });
  });

  it('by a reset is told as a loss', async () => {
    const { life, far } = await connected();
    life.open(() => undefined);
    far.resetAndDestroy();
    expect(await life.ended).toMatchObject({ code: 'CALLHOME_CONNECTION_LOST' });
  });
});

describe('an end in order', () => {
  it('says farewell once, sends it, and keeps the reason of whoever came first', async () => {
    const { life, near, far } = await connected();
    const heard = text(far);
    const farewell = vi.fn(() => {
      near.write('farewell');
      // A transport that is asked to end may find that it has to end.
      life.end(second);
    });
    life.open(farewell);
    life.end(first);
    life.end(second);
    expect(life.open(farewell)).toBe(false);
    expect(life.enter('another phase')).toBe(false);
    expect(await life.ended).toBe(first);
    expect(await heard).toBe('farewell');
    expect(farewell).toHaveBeenCalledTimes(1);
  });

  it('says none before it is open', async () => {
    const { life, far } = await connected();
    const heard = text(far);
    life.end(first);
    expect(await heard).toBe('');
    expect(await life.ended).toBe(first);
  });

  it('of a peer that does not follow is by force after a second', async () => {
    const { life, near, far } = await connected();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    life.end(first);
    await once(far.resume(), 'end');
    vi.advanceTimersByTime(999);
    expect(near.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(near.destroyed).toBe(true);
  });

  it('is hastened by what cuts it, and its reason stays', async () => {
    const { life, near } = await connected();
    life.end(first);
    expect(near.destroyed).toBe(false);
    life.cut(second);
    expect(near.destroyed).toBe(true);
    expect(await life.ended).toBe(first);
  });
});

describe('a cut', () => {
  it('says no farewell, and nothing ends it once more', async () => {
    const { life, far } = await connected();
    const reset = once(far.resume(), 'error');
    const farewell = vi.fn();
    life.open(farewell);
    life.cut(first);
    life.end(second);
    life.cut(second);
    expect(await life.ended).toBe(first);
    await reset;
    expect(farewell).not.toHaveBeenCalled();
  });
});

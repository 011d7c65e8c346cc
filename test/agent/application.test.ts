import { Duplex } from 'node:stream';
import { systemClock } from '@callhome/agent/application/clock.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { describe, expect, it, test } from 'vitest';
import {
  type ApplicationRig,
  createRig,
  endpoint,
  type RigOptions,
  settled,
  start,
} from './application-rig.js';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** What the dice make of a pause that spreads a fleet, and of the first backoff. */
const spread = 0.5 * second;
const firstBackoff = 0.5 * 2 * second;

const at = (time: number): string => new Date(time).toISOString();

const peerClosed = new CallhomeError('CALLHOME_PEER_CLOSED', { when: '' });
const reset = new CallhomeError('CALLHOME_CONNECTION_LOST', { why: 'read ECONNRESET' });
const vanished = new CallhomeError('CALLHOME_PEER_VANISHED', { seconds: 90 });
const idle = new CallhomeError('CALLHOME_IDLE', { seconds: 120 });
const sessionsDone = new CallhomeError('CALLHOME_SESSIONS_DONE', { seconds: 5 });

/** An application whose first attempt is being made. */
async function dialling(options?: RigOptions): Promise<ApplicationRig> {
  const rig = createRig(options);
  await rig.clock.pass(0);
  return rig;
}

/** Once an hour, from 10:30 on, unless it is said otherwise. */
function periodic(anchor: number | undefined = start + 23 * minute): RigOptions {
  return { connectionType: { kind: 'periodic', periodMinutes: 60, anchor, idleTimeoutSeconds: 120 } };
}

/** Once an hour, and the first time at once. */
const periodicAtOnce = (): RigOptions => ({
  connectionType: { kind: 'periodic', periodMinutes: 60, anchor: undefined, idleTimeoutSeconds: 120 },
});

describe('an application', () => {
  it('shows what it is doing, at each step of a connection', async () => {
    const rig = createRig();
    const totals = { attempts: 0, failures: 0, connections: 0, sessions: 0 };
    const status = {
      application: 'nms',
      connectionType: 'persistent',
      state: 'waiting',
      endpoint: 'one',
      address: 'one.example.net',
      port: 4334,
      attempt: 1,
      maxAttempts: 3,
      nextAttempt: at(start),
      sessions: 0,
      totals,
    };
    await settled();
    expect(rig.status()).toEqual(status);

    await rig.clock.pass(0);
    const { nextAttempt: _, ...begun } = status;
    const attempted = { ...begun, totals: { ...totals, attempts: 1 } };
    expect(rig.status()).toEqual({ ...attempted, state: 'dialling' });

    await rig.clock.pass(2 * second);
    rig.dialled().answer();
    await settled();
    expect(rig.status()).toEqual({ ...attempted, state: 'authenticating' });

    await rig.clock.pass(3 * second);
    const connection = rig.served().letIn();
    await settled();
    const connected = {
      ...attempted,
      state: 'connected',
      connectedSince: at(start + 5 * second),
      user: 'callhome',
      totals: { ...totals, attempts: 1, connections: 1 },
    };
    expect(rig.status()).toEqual(connected);

    Object.assign(connection.sessions, { open: 2, total: 5 });
    expect(rig.status()).toEqual({
      ...connected,
      sessions: 2,
      totals: { ...connected.totals, sessions: 5 },
    });

    await rig.clock.pass(10 * second);
    connection.end(reset);
    await settled();
    expect(rig.status()).toEqual({
      ...begun,
      nextAttempt: at(start + 15 * second + firstBackoff),
      lastError: {
        code: 'CALLHOME_CONNECTION_LOST',
        message: reset.message,
        endpoint: 'one',
        at: at(start + 15 * second),
      },
      totals: { attempts: 1, failures: 0, connections: 1, sessions: 5 },
    });
    expect(rig.lines('connected')).toMatchObject([
      {
        application: 'nms',
        endpoint: 'one',
        attempt: 1,
        address: 'one.example.net',
        port: 4334,
        user: 'callhome',
      },
    ]);
    expect(rig.lines('disconnected')).toMatchObject([
      { code: 'CALLHOME_CONNECTION_LOST', reason: reset.message, uptime: 10, sessions: 5 },
    ]);
  });

  it('counts the sessions of all its connections', async () => {
    const rig = await dialling();
    for (const total of [3, 4]) {
      const connection = await rig.connect();
      Object.assign(connection.sessions, { open: 1, total });
      connection.end(sessionsDone);
      await rig.clock.pass(spread);
    }
    expect(rig.status().totals).toEqual({ attempts: 3, failures: 0, connections: 2, sessions: 7 });
  });

  it('dials with all that its endpoint says, and with its own limit', async () => {
    const proxy = { kind: 'socks4', address: '192.0.2.9', port: 1080 } as const;
    const more = { localAddress: '192.0.2.1', localPort: 5000, tcpKeepaliveSeconds: 20, proxy };
    const rig = await dialling({ endpoints: [endpoint('one', more)] });
    expect(rig.dialled().options).toMatchObject({
      address: 'one.example.net',
      port: 4334,
      localAddress: '192.0.2.1',
      localPort: 5000,
      keepaliveSeconds: 20,
      proxy,
      maxWaitSeconds: 7,
    });
  });

  it.each([
    ['an idle timeout, where it is periodic', periodicAtOnce(), 120],
    ['none, where it is persistent', {}, 0],
  ])('serves the socket that was dialled with %s', async (_what, options, idleTimeoutSeconds) => {
    const rig = await dialling(options);
    rig.dialled().answer();
    await settled();
    expect(rig.served().socket).toBe(rig.dialled().socket);
    expect(rig.served().endpoint.name).toBe('one');
    expect(rig.served().options).toMatchObject({
      handshakeTimeoutSeconds: 30,
      maxSessions: 8,
      sessionLingerSeconds: 5,
      idleTimeoutSeconds,
    });
  });

  it('looks its settings up for each attempt and each session', async () => {
    const rig = await dialling();
    const former = await rig.connect();
    rig.world.settings = {
      backend: rig.backend('two'),
      backoffCapSeconds: 1,
      handshakeTimeoutSeconds: 31,
      maxSessions: 9,
      sessionLingerSeconds: 6,
    };
    const origin = { user: '', remote: { address: '', port: 0 }, local: { address: '', port: 0 } };
    const stream = Object.assign(new Duplex(), { isClosed: () => false, watch: () => undefined });
    await rig.served().options.onSession(stream, origin);
    expect(rig.sessions).toEqual(['two']);
    former.end(vanished);
    await settled();
    // half of the new cap
    expect(rig.clock.delays).toEqual([500]);
    await rig.clock.pass(500);
    rig.dialled().answer();
    await settled();
    expect(rig.served().options).toMatchObject({
      handshakeTimeoutSeconds: 31,
      maxSessions: 9,
      sessionLingerSeconds: 6,
    });
  });
});

describe('a persistent application', () => {
  it.each([
    // how, why, whether its sessions were closed, up for, the pause that follows, whether something is wrong
    ['in order by the peer', peerClosed, true, 59 * second, firstBackoff, true],
    ['by the peer, without order', peerClosed, false, 59 * second, firstBackoff, true],
    ['by a reset', reset, true, 59 * second, firstBackoff, true],
    ['by a peer that vanished', vanished, false, 59 * second, firstBackoff, true],
    ['by a peer that vanished, when it was stable', vanished, false, 60 * second, spread, true],
    ['in order by the peer, when it was stable', peerClosed, true, 60 * second, spread, true],
    ['as its sessions are done, however short it was', sessionsDone, true, 0, spread, false],
  ])('connects again after an end %s', async (_what, reason, closedInOrder, uptimeMs, pauseMs, isWrong) => {
    const rig = await dialling();
    const connection = await rig.connect();
    Object.assign(connection.sessions, { total: 1, closedInOrder });
    await rig.clock.pass(uptimeMs);
    connection.end(reason);
    await settled();
    const ended = start + uptimeMs;
    expect(rig.status()).toMatchObject({ state: 'waiting', nextAttempt: at(ended + pauseMs) });
    expect(rig.status().lastError).toEqual(
      isWrong ? { code: reason.code, message: reason.message, endpoint: 'one', at: at(ended) } : undefined,
    );
    expect(rig.clock.delays).toEqual([pauseMs]);
    await rig.clock.pass(pauseMs);
    expect(rig.called()).toEqual(['one', 'one']);
  });

  it('measures how long it was connected by no clock that may be set', async () => {
    const rig = await dialling();
    const connection = await rig.connect();
    await rig.clock.pass(30 * second);
    rig.clock.set(start + 5 * hour);
    connection.end(vanished);
    await settled();
    expect(rig.clock.delays).toEqual([firstBackoff]);
    expect(rig.lines('disconnected')).toMatchObject([{ uptime: 30 }]);
  });

  it('tries each endpoint so many times, then the next, and all of them again after a backoff that grows', async () => {
    const rig = await dialling({ endpoints: [endpoint('one'), endpoint('two')], maxAttempts: 2 });
    const pauses: number[] = [];
    for (let failed = 0; failed < 12; failed++) {
      await rig.fail();
      pauses.push(...rig.clock.delays);
      await rig.clock.pass(minute);
    }
    const round = ['one', 'one', 'two', 'two'];
    expect(rig.called()).toEqual([...round, ...round, ...round, 'one']);
    const within = [spread, spread, spread];
    expect(pauses).toEqual([...within, 1000, ...within, 2000, ...within, 4000]);
  });

  it('tells of each failure when it was, where, and what comes next', async () => {
    const rig = await dialling({ endpoints: [endpoint('one'), endpoint('two')], maxAttempts: 1 });
    await rig.clock.pass(3 * second);
    await rig.fail();
    expect(rig.status()).toMatchObject({
      state: 'waiting',
      endpoint: 'two',
      address: 'two.example.net',
      attempt: 1,
      nextAttempt: at(start + 3 * second + spread),
      lastError: {
        code: 'CALLHOME_DIAL_FAILED',
        message: expect.stringContaining('ECONNREFUSED one'),
        endpoint: 'one',
        at: at(start + 3 * second),
      },
      totals: { attempts: 1, failures: 1, connections: 0 },
    });
    await rig.clock.pass(spread);
    expect(rig.status()).toMatchObject({ state: 'dialling', lastError: { endpoint: 'one' } });
    rig.dialled().answer();
    await settled();
    rig.served().refuse();
    await settled();
    expect(rig.status()).toMatchObject({
      endpoint: 'one',
      lastError: { code: 'CALLHOME_AUTHENTICATION_FAILED', endpoint: 'two' },
      totals: { attempts: 2, failures: 2, connections: 0 },
    });
    expect(rig.lines('attempt failed')).toMatchObject([
      {
        endpoint: 'one',
        attempt: 1,
        code: 'CALLHOME_DIAL_FAILED',
        next: { endpoint: 'two', attempt: 1, seconds: 0.5 },
      },
      {
        endpoint: 'two',
        attempt: 1,
        code: 'CALLHOME_AUTHENTICATION_FAILED',
        next: { endpoint: 'one', attempt: 1, seconds: 1 },
      },
    ]);
  });

  it('counts the attempts at one endpoint', async () => {
    const rig = await dialling({ endpoints: [endpoint('one'), endpoint('two')] });
    await rig.fail();
    await rig.clock.pass(spread);
    await rig.fail();
    expect(rig.status()).toMatchObject({ endpoint: 'one', attempt: 3, maxAttempts: 3 });
  });

  it('still tells of the last failure when it is connected, and begins its backoff anew after a stable connection', async () => {
    const rig = await dialling({ maxAttempts: 1 });
    for (let failed = 0; failed < 5; failed++) {
      await rig.fail();
      await rig.clock.pass(minute);
    }
    const connection = await rig.connect();
    expect(rig.status()).toMatchObject({ state: 'connected', lastError: { code: 'CALLHOME_DIAL_FAILED' } });
    await rig.clock.pass(hour);
    connection.end(vanished);
    await rig.clock.pass(spread);
    await rig.fail();
    expect(rig.clock.delays).toEqual([firstBackoff]);
  });

  it('goes on from the endpoint that it last connected to, after a start and after a connection', async () => {
    const endpoints = [endpoint('one'), endpoint('two'), endpoint('three')];
    const rig = await dialling({ endpoints, startWith: 'last-connected', maxAttempts: 1, remembered: 'two' });
    await rig.fail();
    await rig.clock.pass(spread);
    expect(rig.called()).toEqual(['two', 'three']);
    expect(rig.memory.get('nms')).toBe('two');
    const connection = await rig.connect();
    expect(rig.memory.get('nms')).toBe('three');
    connection.end(vanished);
    await rig.clock.pass(minute);
    expect(rig.called()).toEqual(['two', 'three', 'three']);
  });

  it('begins with the first one that is listed, whatever it remembers, where it is told so', async () => {
    const endpoints = [endpoint('one'), endpoint('two')];
    expect((await dialling({ endpoints, remembered: 'two' })).called()).toEqual(['one']);
  });

  it('takes what the dice show', async () => {
    const endpoints = [endpoint('one'), endpoint('two')];
    const rig = await dialling({ endpoints, startWith: 'random-selection', maxAttempts: 1 });
    expect(rig.called()).toEqual(['two']);
    rig.world.face = 0.25;
    await rig.fail();
    expect(rig.clock.delays).toEqual([250]);
  });
});

describe('a periodic application', () => {
  it('waits for the times that its anchor gives, and looks at the clock from time to time', async () => {
    const rig = createRig(periodic());
    await settled();
    const due = start + 23 * minute;
    expect(rig.status()).toMatchObject({ state: 'waiting', nextAttempt: at(due), totals: { attempts: 0 } });
    expect(rig.status().connectionType).toBe('periodic');
    await rig.clock.pass(23 * minute - 1);
    expect(rig.dials).toEqual([]);
    expect(rig.status()).toMatchObject({ state: 'waiting', nextAttempt: at(due) });
    await rig.clock.pass(1);
    expect(rig.called()).toEqual(['one']);
    // once, however often it has looked
    expect(rig.lines('next connection due')).toMatchObject([{ application: 'nms', next: at(due) }]);
  });

  it('begins at once without an anchor, and from then on counts from its start', async () => {
    const rig = await dialling(periodicAtOnce());
    const connection = await rig.connect();
    await rig.clock.pass(5 * minute);
    connection.end(idle);
    await settled();
    expect(rig.status().nextAttempt).toBe(at(start + hour));
    await rig.clock.pass(55 * minute + spread);
    expect(rig.called()).toEqual(['one', 'one']);
  });

  it.each([
    ['for idleness', idle, false],
    ['as its sessions are done', sessionsDone, true],
    ['in order by the peer', peerClosed, true],
    ['in order by a peer that resets it', reset, true],
  ])('waits for its time, and nothing is wrong, after an end %s', async (_what, reason, closedInOrder) => {
    const rig = await dialling(periodicAtOnce());
    await rig.fail();
    await rig.clock.pass(spread);
    const connection = await rig.connect();
    Object.assign(connection.sessions, { total: 1, closedInOrder });
    await rig.clock.pass(10 * second);
    connection.end(reason);
    await settled();
    expect(rig.status()).toMatchObject({ state: 'waiting', nextAttempt: at(start + hour), attempt: 1 });
    expect(rig.status()).toHaveProperty('lastError', undefined);
    expect(rig.lines('next connection due')).toMatchObject([{ next: at(start + hour) }]);
    await rig.clock.pass(hour - 11 * second);
    expect(rig.dials).toHaveLength(2);
    // a fleet does not come back in step
    await rig.clock.pass(second);
    expect(rig.dials).toHaveLength(3);
  });

  it.each([
    ['by the peer, without order', peerClosed, 0, firstBackoff],
    ['by a reset', reset, minute, spread],
    ['by a peer that vanished', vanished, 0, firstBackoff],
  ])(
    'connects again without waiting for its time after an end %s',
    async (_what, reason, uptimeMs, pauseMs) => {
      const rig = await dialling(periodicAtOnce());
      const connection = await rig.connect();
      await rig.clock.pass(uptimeMs);
      connection.end(reason);
      await settled();
      expect(rig.status().lastError?.code).toBe(reason.code);
      expect(rig.clock.delays).toEqual([pauseMs]);
      await rig.clock.pass(pauseMs);
      expect(rig.called()).toEqual(['one', 'one']);
      expect(rig.lines('next connection due')).toEqual([]);
    },
  );

  it('goes back to the endpoint that it left in order, wherever a round starts', async () => {
    const rig = await dialling({
      ...periodicAtOnce(),
      endpoints: [endpoint('one'), endpoint('two')],
      maxAttempts: 1,
    });
    await rig.fail();
    await rig.clock.pass(spread);
    (await rig.connect()).end(idle);
    await rig.clock.pass(2 * hour);
    expect(rig.called()).toEqual(['one', 'two', 'two']);
  });

  it('does not wait for its time again between attempts that fail', async () => {
    const rig = await dialling(periodicAtOnce());
    for (let failed = 0; failed < 3; failed++) {
      await rig.fail();
      await rig.clock.pass(minute);
    }
    expect(rig.dials).toHaveLength(4);
  });

  it('finds out soon that the clock was set past its time', async () => {
    const rig = createRig(periodic());
    await rig.clock.pass(10 * second);
    rig.clock.set(start + 10 * hour);
    await rig.clock.pass(minute);
    expect(rig.dials).toHaveLength(1);
  });

  it('waits for the times that come again where the clock was set back', async () => {
    const rig = await dialling(periodicAtOnce());
    const connection = await rig.connect();
    await rig.clock.pass(5 * minute);
    connection.end(idle);
    await rig.clock.pass(10 * second);
    rig.clock.set(start - 150 * minute);
    await rig.clock.pass(minute);
    expect(rig.status().nextAttempt).toBe(at(start - 2 * hour));
    await rig.clock.pass(29 * minute + spread);
    expect(rig.called()).toEqual(['one', 'one']);
  });

  it('connects again after a loss, though its time has not come by a clock that was set back', async () => {
    const rig = await dialling(periodicAtOnce());
    const connection = await rig.connect();
    rig.clock.set(start - 30 * minute);
    connection.end(vanished);
    await rig.clock.pass(firstBackoff);
    expect(rig.called()).toEqual(['one', 'one']);
  });
});

describe('an application that is told to reconnect', () => {
  it('ends its connection, and makes another without a pause', async () => {
    const rig = await dialling();
    await rig.connect();
    rig.application.reconnect();
    await settled();
    expect(rig.status()).toMatchObject({ state: 'waiting', lastError: { code: 'CALLHOME_RECONNECT' } });
    expect(rig.clock.delays).toEqual([0]);
    await rig.clock.pass(0);
    expect(rig.called()).toEqual(['one', 'one']);
    expect(rig.lines('disconnected')).toMatchObject([{ code: 'CALLHOME_RECONNECT' }]);
  });

  it('does not wait for its time after the connection that it ends, where it is periodic', async () => {
    const rig = await dialling(periodicAtOnce());
    const { sessions } = await rig.connect();
    Object.assign(sessions, { total: 1, closedInOrder: true });
    rig.application.reconnect();
    await rig.clock.pass(0);
    expect(rig.called()).toEqual(['one', 'one']);
  });

  it('ends its pause, and the next one is as long as ever', async () => {
    const rig = await dialling({ maxAttempts: 1 });
    await rig.fail();
    expect(rig.clock.delays).toEqual([firstBackoff]);
    rig.application.reconnect();
    await settled();
    expect(rig.called()).toEqual(['one', 'one']);
    await rig.fail();
    expect(rig.clock.delays).toEqual([2 * firstBackoff]);
  });

  it('does not wait for its time, where it is periodic', async () => {
    const rig = createRig(periodic());
    await settled();
    rig.application.reconnect();
    await rig.clock.pass(0);
    expect(rig.called()).toEqual(['one']);
  });

  it.each(['dialling', 'authenticating'] as const)(
    'goes on with its attempt while it is %s',
    async (state) => {
      const rig = await dialling();
      if (state === 'authenticating') rig.dialled().answer();
      await settled();
      rig.application.reconnect();
      await settled();
      expect(rig.status()).toMatchObject({ state, totals: { attempts: 1, failures: 0 } });
      expect(rig.dialled().options.signal.aborted).toBe(false);
      expect(rig.dialled().socket.destroyed).toBe(false);
      if (state === 'dialling') rig.dialled().answer();
      await settled();
      rig.served().letIn();
      await settled();
      expect(rig.status().state).toBe('connected');
    },
  );
});

describe('a periodic application that is told to connect now', () => {
  it('does not wait for its time, until it is connected; then it keeps to its times', async () => {
    const rig = createRig(periodic());
    await settled();
    rig.application.connectNow();
    await rig.clock.pass(0);
    await rig.fail();
    await rig.clock.pass(spread);
    expect(rig.called()).toEqual(['one', 'one']);
    const connection = await rig.connect();
    connection.end(idle);
    await settled();
    expect(rig.status().nextAttempt).toBe(at(start + 23 * minute));
    expect(rig.lines('next connection due')).toHaveLength(2);
  });

  it('ends its pause', async () => {
    const rig = await dialling(periodicAtOnce());
    await rig.fail();
    rig.application.connectNow();
    await settled();
    expect(rig.called()).toEqual(['one', 'one']);
  });

  it('does nothing where it is connected', async () => {
    const rig = await dialling(periodicAtOnce());
    const connection = await rig.connect();
    rig.application.connectNow();
    await settled();
    expect(rig.status().state).toBe('connected');
    connection.end(idle);
    await settled();
    expect(rig.status().nextAttempt).toBe(at(start + hour));
  });

  it.each(['dialling', 'authenticating'] as const)(
    'goes on with its attempt while it is %s, and with others where that fails',
    async (state) => {
      const rig = await dialling(periodicAtOnce());
      if (state === 'authenticating') rig.dialled().answer();
      await settled();
      rig.application.connectNow();
      await settled();
      expect(rig.status()).toMatchObject({ state, totals: { attempts: 1 } });
      // now its time is yet to come
      rig.clock.set(start - 30 * minute);
      if (state === 'dialling') rig.dialled().fail();
      else rig.served().refuse();
      await rig.clock.pass(spread);
      expect(rig.called()).toEqual(['one', 'one']);
    },
  );

  it('refuses where it is not periodic', async () => {
    const rig = await dialling();
    expect(() => rig.application.connectNow()).toThrow(
      expect.objectContaining({ code: 'CALLHOME_NOT_PERIODIC', facts: { application: 'nms' } }),
    );
  });
});

describe('the stop of an application', () => {
  const reason = new CallhomeError('CALLHOME_RECONFIGURED', {});

  /** It is over, for good, and that was no failure of it. */
  async function expectOver(rig: ApplicationRig, stopped: Promise<void>): Promise<void> {
    const [attempts, failures] = [rig.dials.length, rig.lines('attempt failed').length];
    await stopped;
    expect(rig.clock.delays).toEqual([]);
    await rig.clock.pass(5 * hour);
    expect(rig.dials).toHaveLength(attempts);
    expect(rig.lines('attempt failed')).toHaveLength(failures);
  }

  it('ends the wait for its time', async () => {
    const rig = createRig(periodic());
    await settled();
    await expectOver(rig, rig.application.stop(reason));
  });

  it('ends a pause', async () => {
    const rig = await dialling();
    await rig.fail();
    await expectOver(rig, rig.application.stop(reason));
  });

  it('gives up dialling', async () => {
    const rig = await dialling();
    const stopped = rig.application.stop(reason);
    expect(rig.dialled().options.signal.aborted).toBe(true);
    await expectOver(rig, stopped);
  });

  it('gives up a handshake', async () => {
    const rig = await dialling();
    rig.dialled().answer();
    await settled();
    const stopped = rig.application.stop(reason);
    expect(rig.dialled().socket.destroyed).toBe(true);
    await expectOver(rig, stopped);
  });

  it('gives up a handshake that is only just to begin', async () => {
    const rig = await dialling();
    rig.dialled().answer();
    const stopped = rig.application.stop(reason);
    await expectOver(rig, stopped);
    expect(rig.dialled().socket.destroyed).toBe(true);
  });

  it.each(['connected', 'about to be connected'])(
    'ends the connection in order when it is %s',
    async (when) => {
      const rig = await dialling();
      rig.dialled().answer();
      await settled();
      const connection = rig.served().letIn();
      if (when === 'connected') await settled();
      const stopped = rig.application.stop(reason);
      await expectOver(rig, stopped);
      expect(await connection.ended).toBe(reason);
      expect(rig.lines('disconnected')).toMatchObject([{ code: 'CALLHOME_RECONFIGURED' }]);
      expect(rig.status()).toMatchObject({ state: 'waiting', sessions: 0 });
    },
  );

  it('waits for the end of the connection', async () => {
    const rig = await dialling();
    const connection = await rig.connect();
    const { end } = connection;
    const asked: CallhomeError[] = [];
    Object.assign(connection, { end: (why: CallhomeError) => void asked.push(why) });
    let isOver = false;
    const stopped = rig.application.stop(reason).then(() => {
      isOver = true;
    });
    await settled();
    expect(asked).toEqual([reason]);
    expect(isOver).toBe(false);
    end(reason);
    await expectOver(rig, stopped);
  });
});

test("a wait of the system's clock is over in time, or when it is ended", async () => {
  const ending = new AbortController();
  await systemClock.wait(1, ending.signal);
  const waiting = systemClock.wait(hour, ending.signal);
  ending.abort();
  await waiting;
  await systemClock.wait(hour, ending.signal);
});

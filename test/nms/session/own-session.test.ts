import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type OwnSession, openOwnSession } from '@callhome/nms/session/own-session.js';
import type { ClientConnection } from '@callhome/shared/connection/connection.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { parseOperation } from '@callhome/shared/netconf/operation.js';
import { openServerSession, type ServerSession } from '@callhome/shared/netconf/server-session.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { duplexPair } from '../../shared/netconf/duplex-pair.js';

const minute = 60_000;

const closedEarly =
  'the NETCONF session is closed: the peer closed the connection during the NETCONF session';

// Only the clock by which a session's age is told: whatever waits, waits for something that happens.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** A device's end of a session. */
interface Served {
  readonly stream: Duplex;
  readonly session: ServerSession;
  /** The operations that it was sent. */
  readonly heard: string[];
}

type Play =
  | 'answers'
  | 'has room for one'
  | 'answers when told'
  | 'refuses'
  | 'says no hello'
  | 'says nothing yet';

/** A connection to a device that is played here. */
function createDevice() {
  const ended = deferred<CallhomeError>();
  const served: Served[] = [];
  const heard: Duplex[] = [];
  /** The collector's ends of what it opened. */
  const opened: Duplex[] = [];
  const later: (() => void)[] = [];
  const answers: (() => void)[] = [];
  let listeners = 0;
  let play: Play = 'answers';
  let asked = 0;

  function serve(stream: Duplex): void {
    const waits = play === 'answers when told';
    const operations: string[] = [];
    const session = openServerSession(stream, {
      sessionId: served.length + 1,
      capabilities: ['urn:ietf:params:netconf:base:1.1'],
      handle: async (operation) => {
        operations.push(operation.name);
        if (waits) await new Promise<void>((resolve) => answers.push(resolve));
        return '<ok/>';
      },
      onFault: () => undefined,
    });
    served.push({ stream, session, heard: operations });
  }

  const connection: ClientConnection = {
    transport: 'ssh',
    isOpen: () => true,
    peer: { transport: 'ssh', hostKey: Buffer.alloc(0) },
    traffic: () => ({ received: 0, sent: 0 }),
    maxSessions: Number.POSITIVE_INFINITY,
    get ended() {
      listeners += 1;
      return ended.promise;
    },
    end: vi.fn((reason: CallhomeError) => {
      ended.resolve(reason);
      for (const stream of heard) stream.destroy();
    }),
    async openSession() {
      asked += 1;
      if (play === 'refuses')
        throw new CallhomeError('CALLHOME_CHANNEL_REFUSED', { why: 'no room', answered: true });
      const [near, far] = duplexPair();
      far.on('error', () => undefined);
      opened.push(near);
      heard.push(far);
      if (play === 'says no hello') far.resume().end();
      else if (play === 'says nothing yet') later.push(() => serve(far));
      else serve(far);
      return near;
    },
  };
  return {
    connection,
    opened,
    served,
    end: connection.end as ReturnType<typeof vi.fn>,
    /** How many sessions it was asked for. */
    asked: () => asked,
    /** How many wait for the end of the connection. */
    listeners: () => listeners,
    plays(next: Play) {
      play = next;
    },
    /** Says what it has not said yet. */
    goOn() {
      for (const say of later.splice(0)) say();
    },
    /** How many operations wait to be answered. */
    waiting: () => answers.length,
    /** Answers the next thing that it is asked. */
    async answer() {
      await until(() => answers.length > 0);
      answers.shift()?.();
    },
    /** Ends its newest session, as `<kill-session>` does. */
    async kill() {
      const newest = served.at(-1);
      newest?.session.destroy(new Error('killed'));
      if (newest) await once(newest.stream, 'close');
    },
  };
}

type Device = ReturnType<typeof createDevice>;

async function open(device: Device) {
  const onReplaced = vi.fn();
  const own = await openOwnSession(device.connection, { helloTimeoutMs: 60_000, onReplaced });
  return { own, onReplaced };
}

/** Everything here happens in memory: it is there after some turns of the event loop. */
async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise(setImmediate);
}

async function ask(own: OwnSession, operation = '<get/>'): Promise<string> {
  return text((await own.send(parseOperation(operation), {})).body);
}

const code = (name: string, message?: string) =>
  expect.objectContaining(message === undefined ? { code: name } : { code: name, message });

describe('a session that the device ends', () => {
  it.each([
    ['by closing it', (device: Device) => void device.served[0]?.stream.end(), 'the peer closed'],
    ['by cutting it off', (device: Device) => device.kill(), 'the peer closed'],
    [
      'by saying what makes no sense',
      (device: Device) => void device.served[0]?.stream.write('garbage'),
      'bad NETCONF framing',
    ],
  ])('%s after a minute is replaced, without the end of the connection', async (_how, act, why) => {
    const device = createDevice();
    const { own, onReplaced } = await open(device);
    expect(own.current?.sessionId).toBe(1);
    vi.advanceTimersByTime(minute);
    await act(device);
    await until(() => onReplaced.mock.calls.length > 0);
    expect(onReplaced).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ sessionId: 2 }),
      expect.stringContaining(why),
    );
    expect(own.current?.sessionId).toBe(2);
    expect(await ask(own)).toContain('<ok/>');
    expect(device.end).not.toHaveBeenCalled();
  });

  it('is replaced as often as it is a minute old', async () => {
    const device = createDevice();
    const { own, onReplaced } = await open(device);
    for (let times = 1; times <= 3; times += 1) {
      vi.advanceTimersByTime(minute);
      await device.kill();
      await until(() => onReplaced.mock.calls.length === times);
    }
    expect(own.current?.sessionId).toBe(4);
    vi.advanceTimersByTime(minute - 1);
    await device.kill();
    await device.connection.ended;
    expect(onReplaced).toHaveBeenCalledTimes(3);
  });

  it('sooner ends the connection', async () => {
    const device = createDevice();
    const { own, onReplaced } = await open(device);
    vi.advanceTimersByTime(minute - 1);
    device.served[0]?.stream.end();
    expect(await device.connection.ended).toEqual(code('CALLHOME_SESSION_CLOSED', closedEarly));
    expect(device.asked()).toBe(1);
    expect(onReplaced).not.toHaveBeenCalled();
    expect(own.current).toBeUndefined();
  });

  it.each(['refuses', 'says no hello'] as const)(
    'and cannot be replaced, because the device %s, ends the connection for the first reason',
    async (play) => {
      const device = createDevice();
      const { onReplaced } = await open(device);
      vi.advanceTimersByTime(minute);
      device.plays(play);
      device.served[0]?.stream.end();
      expect(await device.connection.ended).toEqual(code('CALLHOME_SESSION_CLOSED', closedEarly));
      expect(device.asked()).toBe(2);
      expect(onReplaced).not.toHaveBeenCalled();
    },
  );

  it('takes with it what was under way, and what is sent meanwhile waits for the next one', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own } = await open(device);
    vi.advanceTimersByTime(minute);
    const lost = expect(ask(own)).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
    device.plays('says nothing yet');
    await device.kill();
    await lost;
    const waiting = [ask(own), ask(own)];
    expect(own.current).toBeUndefined();
    device.plays('answers');
    device.goOn();
    for (const reply of await Promise.all(waiting)) expect(reply).toContain('<ok/>');
    expect(device.asked()).toBe(2);
    expect(device.end).not.toHaveBeenCalled();
  });

  it('fails what waits for the next one where there is none', async () => {
    const device = createDevice();
    const { own } = await open(device);
    vi.advanceTimersByTime(minute);
    device.plays('says nothing yet');
    await device.kill();
    await until(() => device.asked() === 2);
    const lost = expect(ask(own)).rejects.toEqual(code('CALLHOME_PEER_CLOSED'));
    device.connection.end(new CallhomeError('CALLHOME_STOPPED', {}));
    await lost;
  });
});

describe('the first session', () => {
  it('that cannot be opened is an error, and the connection is left to who has it', async () => {
    const device = createDevice();
    device.plays('refuses');
    await expect(open(device)).rejects.toEqual(code('CALLHOME_CHANNEL_REFUSED'));
    expect(device.end).not.toHaveBeenCalled();
  });
});

/** Another stream that wants the session's place: undefined where it does not get it. */
async function instead(own: OwnSession): Promise<Duplex | undefined> {
  const [near] = duplexPair();
  return await own.giveWayTo(async () => near);
}

describe('a session gives way', () => {
  it('in order where nothing is under way on it, and comes back when the other stream is closed', async () => {
    const device = createDevice();
    const { own, onReplaced } = await open(device);
    await ask(own);
    const other = await instead(own);
    expect(await device.served[0]?.session.closed).toBeUndefined();
    expect(own.current).toBeUndefined();
    expect(await instead(own)).toBeUndefined();
    expect(device.asked()).toBe(1);
    other?.destroy();
    await until(() => own.current !== undefined);
    expect(own.current?.sessionId).toBe(2);
    expect(await ask(own)).toContain('<ok/>');
    expect(onReplaced).not.toHaveBeenCalled();
    expect(device.end).not.toHaveBeenCalled();
  });

  it('and comes back where the other stream cannot be opened', async () => {
    const device = createDevice();
    const { own } = await open(device);
    const opening = own.giveWayTo(() => Promise.reject(new CallhomeError('CALLHOME_STOPPED', {})));
    await expect(opening).rejects.toEqual(code('CALLHOME_STOPPED'));
    await until(() => own.current !== undefined);
    expect(device.end).not.toHaveBeenCalled();
  });

  it('to a stream that the device has room for only in a moment', async () => {
    vi.useRealTimers();
    const device = createDevice();
    const { own } = await open(device);
    let attempts = 0;
    const other = await own.giveWayTo(async () => {
      attempts += 1;
      if (attempts < 3) throw new CallhomeError('CALLHOME_CHANNEL_REFUSED', { why: 'full', answered: true });
      return duplexPair()[0];
    });
    expect(other).toBeDefined();
    expect(attempts).toBe(3);
  });

  it('to nobody while an operation is under way, and as soon as that is over', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own } = await open(device);
    const [first, second] = [ask(own), ask(own)];
    expect(await instead(own)).toBeUndefined();
    await device.answer();
    await first;
    expect(await instead(own)).toBeUndefined();
    await device.answer();
    await second;
    expect(await instead(own)).toBeDefined();
  });

  it('to nobody once it was used for more than reading', async () => {
    const device = createDevice();
    const { own } = await open(device);
    const { errors, body } = await own.send(parseOperation('<commit><confirmed/></commit>'), {});
    body.resume();
    await errors;
    expect(await instead(own)).toBeUndefined();
  });

  it('to one caller', async () => {
    const device = createDevice();
    const { own } = await open(device);
    const both = await Promise.all([instead(own), instead(own)]);
    expect(both.map((stream) => stream !== undefined)).toEqual([true, false]);
  });

  it('and what is sent meanwhile waits, is refused where there is no room for it, and works once there is', async () => {
    const device = createDevice();
    const { own } = await open(device);
    device.plays('refuses');
    const giving = instead(own);
    const refused = expect(ask(own)).rejects.toEqual(code('CALLHOME_CHANNEL_REFUSED'));
    expect(await giving).toBeDefined();
    await refused;
    expect(device.asked()).toBe(2);
    device.plays('answers');
    expect(await ask(own)).toContain('<ok/>');
    expect(device.end).not.toHaveBeenCalled();
  });

  it('again and again, and nothing is left of those that did', async () => {
    const device = createDevice();
    const { own } = await open(device);
    const before = device.listeners();
    for (let times = 0; times < 5; times += 1) {
      (await instead(own))?.destroy();
      await until(() => own.current !== undefined);
    }
    expect(own.current?.sessionId).toBe(6);
    expect(device.listeners()).toBe(before);
  });
});

describe('while a reply takes more than a second', () => {
  async function heldUp(
    room: Play = 'answers',
  ): Promise<{ own: OwnSession; device: Device; held: Promise<string> }> {
    const device = createDevice();
    device.plays('answers when told');
    const { own } = await open(device);
    const held = ask(own);
    await until(() => device.waiting() === 1);
    vi.advanceTimersByTime(1_001);
    device.plays(room);
    return { own, device, held };
  }

  it('what only reads goes over a second session, and everything else waits', async () => {
    const { own, device, held } = await heldUp();
    expect(await ask(own)).toContain('<ok/>');
    expect(await ask(own)).toContain('<ok/>');
    expect(device.asked()).toBe(2);
    const edit = ask(own, '<edit-config/>');
    await device.answer();
    expect(await held).toContain('<ok/>');
    await device.answer();
    expect(await edit).toContain('<ok/>');
    expect(device.served[0]?.heard).toEqual(['get', 'edit-config']);
    expect(device.served[1]?.heard).toEqual(['get', 'get']);
    expect(own.current?.sessionId).toBe(1);
  });

  it('all waits at a device that has room for one session, which is asked once', async () => {
    const { own, device, held } = await heldUp('refuses');
    const others = [ask(own), ask(own)];
    await until(() => device.asked() === 2);
    for (let answers = 0; answers < 3; answers += 1) await device.answer();
    for (const reply of await Promise.all([held, ...others])) expect(reply).toContain('<ok/>');
    vi.advanceTimersByTime(1_001);
    const later = ask(own);
    await device.answer();
    expect(await later).toContain('<ok/>');
    expect(device.asked()).toBe(2);
    expect(device.end).not.toHaveBeenCalled();
  });

  it('the second session gives way before the first', async () => {
    const { own, device } = await heldUp();
    await ask(own);
    expect(await instead(own)).toBeDefined();
    expect(await device.served[1]?.session.closed).toBeUndefined();
    expect(own.current?.sessionId).toBe(1);
  });

  it('the second session is closed when it was idle for half a minute', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    const { own, device } = await heldUp();
    await ask(own);
    await new Promise(setImmediate);
    vi.advanceTimersByTime(30_000);
    expect(await device.served[1]?.session.closed).toBeUndefined();
    expect(device.end).not.toHaveBeenCalled();
  });
});

describe('a session that does not answer on a connection that does', () => {
  const impatient = { timeoutMs: 5 };

  it('is replaced, and what is under way on it besides is answered all the same', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own, onReplaced } = await open(device);
    vi.advanceTimersByTime(minute);
    const other = ask(own);
    const late = own.send(parseOperation('<get-config/>'), impatient);
    device.plays('answers');
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    await until(() => own.current !== undefined);
    expect(own.current?.sessionId).toBe(2);
    expect(onReplaced).toHaveBeenCalledExactlyOnceWith(expect.anything(), 'it did not answer');
    expect(await ask(own)).toContain('<ok/>');
    await device.answer();
    expect(await other).toContain('<ok/>');
    await until(() => device.opened[0]?.destroyed === true);
    expect(device.end).not.toHaveBeenCalled();
  });

  it('stays where it was used for more than reading, and what only reads goes around it', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own, onReplaced } = await open(device);
    vi.advanceTimersByTime(minute);
    const commit = ask(own, '<commit/>');
    const late = own.send(parseOperation('<get/>'), impatient);
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    device.plays('answers');
    expect(await ask(own)).toContain('<ok/>');
    expect(device.served[1]?.heard).toEqual(['get']);
    await device.answer();
    expect(await commit).toContain('<ok/>');
    expect(own.current?.sessionId).toBe(1);
    expect(onReplaced).not.toHaveBeenCalled();
  });

  it('is replaced once: a fresh one has a minute', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own, onReplaced } = await open(device);
    const late = own.send(parseOperation('<get/>'), impatient);
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    expect(own.current?.sessionId).toBe(1);
    expect(onReplaced).not.toHaveBeenCalled();
  });

  it('takes the connection with it where the fresh one gets no hello', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own } = await open(device);
    vi.advanceTimersByTime(minute);
    device.plays('says no hello');
    const late = own.send(parseOperation('<get/>'), impatient);
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    expect(await device.connection.ended).toEqual(code('CALLHOME_SESSIONS_SILENT'));
  });

  it('leaves its place where the device has room for one', async () => {
    vi.useRealTimers();
    vi.useFakeTimers({ toFake: ['performance'] });
    const device = createDevice();
    device.plays('answers when told');
    const { own } = await open(device);
    vi.advanceTimersByTime(minute);
    device.plays('has room for one');
    const late = own.send(parseOperation('<get/>'), impatient);
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    await until(() => own.current !== undefined);
    expect(own.current?.sessionId).toBe(2);
    expect(device.end).not.toHaveBeenCalled();
  });
});

describe('an operation that waits for a session', () => {
  async function withoutSession(): Promise<{ own: OwnSession; device: Device }> {
    const device = createDevice();
    const { own } = await open(device);
    vi.advanceTimersByTime(minute);
    device.plays('says nothing yet');
    await device.kill();
    return { own, device };
  }

  it('keeps to the limit of its caller', async () => {
    const { own } = await withoutSession();
    await expect(own.send(parseOperation('<get/>'), { timeoutMs: 5 })).rejects.toEqual(
      code('CALLHOME_REPLY_TIMEOUT'),
    );
  });

  it('is over when its caller has gone', async () => {
    const { own } = await withoutSession();
    const given = new AbortController();
    const sent = expect(own.send(parseOperation('<get/>'), { signal: given.signal })).rejects.toThrow();
    given.abort();
    await sent;
  });
});

describe('the end of the connection', () => {
  it('is the end of the session and of what is under way, for the reason of the connection', async () => {
    const device = createDevice();
    device.plays('answers when told');
    const { own, onReplaced } = await open(device);
    vi.advanceTimersByTime(minute);
    const reason = new CallhomeError('CALLHOME_PEER_VANISHED', { seconds: 60 });
    const lost = expect(ask(own)).rejects.toMatchObject({ code: 'CALLHOME_SESSION_CLOSED', cause: reason });
    device.plays('refuses');
    device.connection.end(reason);
    await lost;
    await new Promise(setImmediate);
    expect(own.current).toBeUndefined();
    expect(onReplaced).not.toHaveBeenCalled();
    await expect(ask(own)).rejects.toEqual(code('CALLHOME_CHANNEL_REFUSED'));
  });
});

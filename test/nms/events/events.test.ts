import { createCounters } from '@callhome/nms/events/counters.js';
import { type CollectorEvent, createEvents } from '@callhome/nms/events/events.js';
import { keepHistory } from '@callhome/nms/events/history.js';
import { writeLogLines } from '@callhome/nms/events/log-lines.js';
import type { Registry } from '@callhome/nms/registry/registry.js';
import { deferred } from '@callhome/shared/deferred.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { captureLog } from '../../programs/captured-log.js';

const origin = { listener: 'ssh', source: '192.0.2.1', remoteAddress: '192.0.2.1 port 7' };
const call = { ...origin, connection: 3 };
const failure = {
  at: '2026-03-04T05:06:07.000Z',
  remoteAddress: origin.remoteAddress,
  code: 'CALLHOME_HELLO' as const,
  reason: 'why',
};
const facts = {
  transport: 'ssh' as const,
  remoteAddress: origin.remoteAddress,
  hostKey: 'SHA256:x',
  sessionId: 7,
  capabilities: ['urn:a', 'urn:b'],
  connectedAt: failure.at,
};
const device = 'router1';
const of = { connection: 3, listener: 'ssh', remoteAddress: origin.remoteAddress };

const connected: CollectorEvent = { kind: 'device-connected', call, device, facts };
const disconnected = {
  kind: 'device-disconnected' as const,
  call,
  device,
  facts,
  end: { at: failure.at, code: 'CALLHOME_PEER_CLOSED' as const, reason: 'gone' },
};
const stranger: CollectorEvent = {
  kind: 'call-failed',
  call,
  device: undefined,
  claimed: undefined,
  failure,
};
const failed: CollectorEvent = { ...stranger, device };

/** Each kind of event: what it counts as, and its line in the log. */
const kinds: readonly (readonly [CollectorEvent, string | undefined, object | undefined])[] = [
  [
    { kind: 'call-refused', call: origin, rule: 'too-many-handshakes' },
    'refused.too-many-handshakes',
    {
      level: 'warn',
      msg: 'call refused',
      listener: 'ssh',
      remoteAddress: origin.remoteAddress,
      reason: 'too-many-handshakes',
    },
  ],
  [{ kind: 'call-accepted', call }, 'accepted', undefined],
  [
    stranger,
    'failed.CALLHOME_HELLO',
    { level: 'warn', msg: 'call failed', ...of, code: 'CALLHOME_HELLO', reason: 'why' },
  ],
  [
    { ...stranger, claimed: device },
    'failed.CALLHOME_HELLO',
    { level: 'warn', msg: 'call failed', ...of, claimed: device, code: 'CALLHOME_HELLO', reason: 'why' },
  ],
  [
    failed,
    'failed.CALLHOME_HELLO',
    { level: 'warn', msg: 'call failed', ...of, device, code: 'CALLHOME_HELLO', reason: 'why' },
  ],
  [
    connected,
    'established',
    {
      level: 'info',
      msg: 'device connected',
      ...of,
      device,
      session: 7,
      hostKey: 'SHA256:x',
      capabilities: 2,
    },
  ],
  [
    { kind: 'session-replaced', call, device, session: 8, reason: 'it was killed' },
    'sessions.replaced',
    {
      level: 'warn',
      msg: "the collector's session was replaced",
      ...of,
      device,
      session: 8,
      reason: 'it was killed',
    },
  ],
  [
    disconnected,
    'ended.CALLHOME_PEER_CLOSED',
    {
      level: 'info',
      msg: 'device disconnected',
      ...of,
      device,
      code: 'CALLHOME_PEER_CLOSED',
      reason: 'gone',
    },
  ],
  [
    { ...disconnected, end: { ...disconnected.end, code: 'CALLHOME_LIKELY_CLONE' } },
    'ended.CALLHOME_LIKELY_CLONE',
    {
      level: 'warn',
      msg: 'device disconnected',
      ...of,
      device,
      code: 'CALLHOME_LIKELY_CLONE',
      reason: 'gone',
    },
  ],
  [
    { kind: 'reply-cut', device, code: 'CALLHOME_SESSION_CLOSED', reason: 'gone' },
    undefined,
    { level: 'warn', msg: 'reply cut off', device, code: 'CALLHOME_SESSION_CLOSED', reason: 'gone' },
  ],
  [{ kind: 'device-added', device }, undefined, { level: 'info', msg: 'device added', device }],
  [
    { kind: 'devices-imported', added: 1, changed: 2, unchanged: 3, failed: 4 },
    undefined,
    { level: 'info', msg: 'devices imported', added: 1, changed: 2, unchanged: 3, failed: 4 },
  ],
  [{ kind: 'device-removed', device }, undefined, { level: 'info', msg: 'device removed', device }],
  [
    { kind: 'registry-failed', about: device, reason: 'the disk is full' },
    undefined,
    { level: 'error', msg: 'the registry was not written', about: device, reason: 'the disk is full' },
  ],
];

function captureLines() {
  const captured = captureLog();
  const { follow, flush } = writeLogLines(captured.log);
  const lines = (): Record<string, unknown>[] =>
    captured
      .text()
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const { time: _time, pid: _pid, name: _name, ...rest } = JSON.parse(line);
        return rest;
      });
  return { follow, flush, lines };
}

afterEach(() => void vi.useRealTimers());

describe('an event', () => {
  it.each(kinds.map(([event, ...rest]) => [event.kind, event, ...rest] as const))(
    '%s is counted by its name, and has its line',
    (_kind, event, name, line) => {
      const counters = createCounters();
      const { follow, flush, lines } = captureLines();
      for (const each of [counters.follow, follow]) each(event);
      expect(counters.read()).toEqual(name === undefined ? {} : { [name]: 1 });
      expect(lines()).toEqual(line === undefined ? [] : [line]);
      flush();
      expect(lines()).toHaveLength(line === undefined ? 0 : 1);
    },
  );

  it('is told to all who follow, in the order in which they began to', () => {
    const { emit, follow } = createEvents();
    const heard: string[] = [];
    follow(({ kind }) => void heard.push(`first ${kind}`));
    follow(({ kind }) => void heard.push(`second ${kind}`));
    emit({ kind: 'device-added', device });
    expect(heard).toEqual(['first device-added', 'second device-added']);
  });

  it('adds to its count, and what was read before stays as it was', () => {
    const { follow, read } = createCounters();
    follow(connected);
    const before = read();
    follow(connected);
    expect([before, read()]).toEqual([{ established: 1 }, { established: 2 }]);
  });
});

describe('the lines of the log that strangers bring about', () => {
  const refused = (source: string, rule = 'too-many-handshakes'): CollectorEvent => ({
    kind: 'call-refused',
    call: { ...origin, source },
    rule,
  });

  it.each([
    ['refused', refused('a'), [refused('b'), refused('a', 'too-many-connections')]],
    ['failed', stranger, [failed, { ...stranger, call: { ...call, source: 'b' } }]],
  ] as const)('by calls that are %s are gathered by source and reason', (_what, event, others) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { follow, lines } = captureLines();
    for (let times = 0; times < 10; times += 1) follow(event);
    expect(lines()).toHaveLength(3);
    for (const other of others) follow(other);
    expect(lines()).toHaveLength(3 + others.length);
    vi.advanceTimersByTime(10_000);
    expect(lines()).toHaveLength(4 + others.length);
    expect(lines().at(-1)).toMatchObject({ others: 6 });
  });

  it('are all there after a flush', () => {
    const { follow, flush, lines } = captureLines();
    for (let times = 0; times < 5; times += 1) follow(stranger);
    flush();
    expect(lines()).toHaveLength(4);
    expect(lines().at(-1)).toMatchObject({ others: 1 });
  });
});

describe('the history in the registry', () => {
  /** A registry whose methods that write take as long as the test wants. */
  function createWritten(write: (told: string) => Promise<void> | void) {
    const tell =
      (method: string) =>
      async (...values: unknown[]) =>
        write(`${method} ${JSON.stringify(values)}`);
    const methods = ['connected', 'disconnected', 'callFailed'].map((method) => [method, tell(method)]);
    return Object.fromEntries(methods) as Registry;
  }

  it('has what happened to a device, with who had it', async () => {
    const written: string[] = [];
    const emit = vi.fn();
    const { follow, settled } = keepHistory(
      createWritten((told) => void written.push(told)),
      'a',
      emit,
    );
    for (const [event] of kinds) follow(event);
    await settled();
    const holder = { owner: 'a', connection: 3 };
    expect(written).toEqual([
      `callFailed ${JSON.stringify([device, failure])}`,
      `connected ${JSON.stringify([device, holder, facts])}`,
      `disconnected ${JSON.stringify([device, holder, facts, disconnected.end])}`,
      `disconnected ${JSON.stringify([device, holder, facts, { ...disconnected.end, code: 'CALLHOME_LIKELY_CLONE' }])}`,
    ]);
    expect(emit).not.toHaveBeenCalled();
  });

  it("is written in each device's order, and no device waits for another", async () => {
    const held = deferred<void>();
    const written: string[] = [];
    const { follow, settled } = keepHistory(
      createWritten(async (told) => {
        if (told.startsWith('connected ["router1"')) await held.promise;
        if (told.startsWith('callFailed')) await new Promise(setImmediate);
        written.push(told.replace(/^(\w+) \["(\w+)".*/, '$2 $1'));
      }),
      'a',
      vi.fn(),
    );
    follow(connected);
    follow(disconnected);
    follow({ ...connected, device: 'router2' });
    follow({ ...disconnected, device: 'router2' });
    await new Promise(setImmediate);
    expect(written).toEqual(['router2 connected', 'router2 disconnected']);
    const all = settled();
    follow(failed);
    held.resolve();
    await all;
    expect(written.slice(2)).toEqual(['router1 connected', 'router1 disconnected', 'router1 callFailed']);
  });

  it.each([
    ['connected', connected],
    ['disconnected', disconnected],
    ['callFailed', failed],
  ] as const)('tells where %s fails, and goes on', async (method, event) => {
    let state: 'failing' | 'well' = 'failing';
    const written: string[] = [];
    const emit = vi.fn();
    const { follow, settled } = keepHistory(
      createWritten((told) => {
        if (state === 'failing') throw new Error('the disk is full');
        written.push(told);
      }),
      'a',
      emit,
    );
    follow(event);
    await settled();
    expect(emit).toHaveBeenCalledExactlyOnceWith({
      kind: 'registry-failed',
      about: device,
      reason: 'the disk is full',
    });
    state = 'well';
    follow(event);
    await settled();
    expect(written).toEqual([expect.stringContaining(method)]);
  });
});

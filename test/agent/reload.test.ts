import { type Changes, createReloads } from '@callhome/agent/reload.js';
import type { AgentConfig } from '@callhome/shared/config/agent-config.js';
import { type Deferred, deferred } from '@callhome/shared/deferred.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { describe, expect, it } from 'vitest';
import { captureLog } from '../programs/captured-log.js';

function configuration(warnings: readonly string[] = []): AgentConfig {
  return {
    applications: [],
    agent: {
      backend: {},
      'backoff-cap': 60,
      'handshake-timeout': 30,
      'max-sessions': 8,
      'session-linger': 5,
    },
    data: {},
    warnings,
  };
}

function changed(name: string): Changes {
  return { added: [name], changed: [], removed: [], unchanged: [] };
}

/** Reloads whose readers and followers wait for the test. */
function createRig() {
  const captured = captureLog();
  const reads: Deferred<AgentConfig>[] = [];
  const follows: { config: AgentConfig; done: Deferred<Changes> }[] = [];
  const reloads = createReloads(
    () => {
      const read = deferred<AgentConfig>();
      reads.push(read);
      return read.promise;
    },
    (config) => {
      const done = deferred<Changes>();
      follows.push({ config, done });
      return done.promise;
    },
    captured.log,
  );
  const lines = (): Record<string, unknown>[] =>
    captured
      .text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  return { reloads, reads, follows, lines };
}

/** All that can happen without the test has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return (await Promise.race([promise, settled().then(() => pending)])) === pending;
}

describe('a reload', () => {
  it('goes on with the configuration that was read, and logs its warnings and what has changed', async () => {
    const { reloads, reads, follows, lines } = createRig();
    const reload = reloads.reload();
    await settled();
    const config = configuration(['agent.json: /one is odd', 'agent.json: /two is odd']);
    reads[0]?.resolve(config);
    await settled();
    expect(follows).toMatchObject([{ config }]);
    follows[0]?.done.resolve(changed('nms'));
    expect(await reload).toEqual(changed('nms'));
    expect(lines()).toMatchObject([
      { level: 'warn', msg: 'agent.json: /one is odd' },
      { level: 'warn', msg: 'agent.json: /two is odd' },
      { level: 'info', msg: 'configuration reloaded', ...changed('nms') },
    ]);
  });

  it('begins when the one before it is over, and reads what the file holds then', async () => {
    const { reloads, reads, follows } = createRig();
    const first = reloads.reload();
    await settled();
    const second = reloads.reload();
    reads[0]?.resolve(configuration());
    await settled();
    expect([reads.length, follows.length]).toEqual([1, 1]);
    follows[0]?.done.resolve(changed('first'));
    await settled();
    expect(reads).toHaveLength(2);
    reads[1]?.resolve(configuration());
    await settled();
    follows[1]?.done.resolve(changed('second'));
    expect(await Promise.all([first, second])).toEqual([changed('first'), changed('second')]);
  });

  it('answers all who ask while it waits its turn, and nobody who asks while it reads', async () => {
    const { reloads, reads, follows } = createRig();
    const running = reloads.reload();
    await settled();
    const waiting = [reloads.reload(), reloads.reload(), reloads.reload()];
    reads[0]?.resolve(configuration());
    await settled();
    follows[0]?.done.resolve(changed('first'));
    await settled();
    const later = reloads.reload();
    reads[1]?.resolve(configuration());
    await settled();
    follows[1]?.done.resolve(changed('second'));
    expect(await running).toEqual(changed('first'));
    for (const answer of await Promise.all(waiting)) expect(answer).toEqual(changed('second'));
    await settled();
    expect(reads).toHaveLength(3);
    reads[2]?.resolve(configuration());
    await settled();
    follows[2]?.done.resolve(changed('third'));
    expect(await later).toEqual(changed('third'));
  });

  it('that fails tells all who asked for it and the log, and does not keep the next from its turn', async () => {
    const { reloads, reads, follows, lines } = createRig();
    const running = reloads.reload();
    await settled();
    const waiting = [reloads.reload(), reloads.reload()].map((each) => each.catch((error: unknown) => error));
    reads[0]?.reject(new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: ['a.json: /x is not known'] }));
    await expect(running).rejects.toMatchObject({ code: 'CALLHOME_CONFIG_INVALID' });
    expect(lines()).toMatchObject([
      {
        level: 'error',
        msg: 'configuration not reloaded: the former one holds',
        code: 'CALLHOME_CONFIG_INVALID',
        reason: 'a.json: /x is not known',
      },
    ]);
    await settled();
    expect(follows).toEqual([]);
    reads[1]?.resolve(configuration());
    await settled();
    follows[0]?.done.reject(new Error('out of order'));
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ message: 'out of order' });
    const [, last] = lines();
    expect(last).toMatchObject({ level: 'error', reason: 'out of order' });
    expect(last).not.toHaveProperty('code');
    void reloads.reload();
    await settled();
    expect(reads).toHaveLength(3);
  });
});

describe('the stop of the reloads', () => {
  it('waits for the one that runs, and lets none begin', async () => {
    const { reloads, reads, follows, lines } = createRig();
    const running = reloads.reload();
    await settled();
    const waiting = reloads.reload().catch((error: unknown) => error);
    const stopped = reloads.stop();
    expect(await isPending(stopped)).toBe(true);
    reads[0]?.resolve(configuration());
    expect(await isPending(stopped)).toBe(true);
    follows[0]?.done.resolve(changed('nms'));
    await stopped;
    expect(await running).toEqual(changed('nms'));
    expect(await waiting).toMatchObject({ code: 'CALLHOME_STOPPED' });
    await expect(reloads.reload()).rejects.toMatchObject({ code: 'CALLHOME_STOPPED' });
    expect(reads).toHaveLength(1);
    // nothing is wrong
    expect(lines().map(({ msg }) => msg)).toEqual(['configuration reloaded']);
  });

  it('is over at once where none runs', async () => {
    const { reloads, reads } = createRig();
    await reloads.stop();
    expect(reads).toEqual([]);
  });
});

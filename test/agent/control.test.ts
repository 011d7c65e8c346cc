import { mkdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { carryOut } from '@callhome/agent/control/carry-out.js';
import { askAgent } from '@callhome/agent/control/client.js';
import type { ControlRequest } from '@callhome/agent/control/requests.js';
import { startControl } from '@callhome/agent/control/server.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { expect, it, onTestFinished, vi } from 'vitest';
import { captureLog } from '../programs/captured-log.js';
import { createFolder, removeFolder } from '../programs/folder.js';

it("the agent's socket is tried again where it cannot be had, and the log says when it is there", async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const folder = await createFolder('control');
  onTestFinished(() => removeFolder(folder));
  const inTheWay = path.join(folder, 'agent.sock');
  await mkdir(inTheWay);
  const { log, text, next } = captureLog();
  const failed = next('no commands can be given to the agent');
  const stop = await startControl(folder, async () => 'fine', log);
  onTestFinished(stop);
  expect(await failed).toMatchObject({ level: 'error', code: 'CALLHOME_STATE_UNUSABLE' });

  await rmdir(inTheWay);
  const there = next('commands can be given to the agent');
  vi.advanceTimersByTime(60_000);
  await there;
  expect(await askAgent(folder, { command: 'status' })).toBe('fine');
  expect(text().match(/no commands/g)).toHaveLength(1);
});

it("the agent's socket is not tried again after the end", async () => {
  const folder = await createFolder('control');
  onTestFinished(() => removeFolder(folder));
  await mkdir(path.join(folder, 'agent.sock'));
  const { log } = captureLog();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const stop = await startControl(folder, async () => 'fine', log);
  await stop();
  expect(vi.getTimerCount()).toBe(0);
});

it('a request of the commands comes to what the agent and its reloads answer', async () => {
  const asked: unknown[] = [];
  const agent = {
    status: () => [],
    reconnect: (application?: string) => void asked.push(['reconnect', application]),
    connectNow(application?: string) {
      throw new CallhomeError('CALLHOME_NOT_PERIODIC', { application });
    },
  };
  const changes = { added: [], changed: ['nms'], removed: [], unchanged: [] };
  const reloads = { reload: async () => changes };
  const answer = (request: ControlRequest) => carryOut(request, agent, reloads);
  expect(await answer({ command: 'status' })).toEqual([]);
  expect(await answer({ command: 'reload' })).toBe(changes);
  expect(await answer({ command: 'reconnect' })).toBeUndefined();
  expect(await answer({ command: 'reconnect', application: 'nms' })).toBeUndefined();
  expect(asked).toEqual([
    ['reconnect', undefined],
    ['reconnect', 'nms'],
  ]);
  await expect(answer({ command: 'connect-now', application: 'nms' })).rejects.toMatchObject({
    code: 'CALLHOME_NOT_PERIODIC',
    facts: { application: 'nms' },
  });
});

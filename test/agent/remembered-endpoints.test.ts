import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRememberedEndpoints } from '@callhome/agent/application/remembered-endpoints.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { captureLog } from '../programs/captured-log.js';

describe('the remembered endpoints', () => {
  let folder = '';
  let captured = captureLog();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callhome-'));
    captured = captureLog();
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are there again after a restart', async () => {
    const before = await openRememberedEndpoints(folder, captured.log);
    void before.remember('nms', 'second');
    await before.remember('other', 'first');
    const after = await openRememberedEndpoints(folder, captured.log);
    expect([after.get('nms'), after.get('other'), after.get('third')]).toEqual([
      'second',
      'first',
      undefined,
    ]);
  });

  it.each(['', '{"nms": 5}', '{"nms": "sec', '[1]'])(
    'are forgotten, with a warning, when the file holds %j',
    async (text) => {
      await writeFile(join(folder, 'last-connected.json'), text);
      const endpoints = await openRememberedEndpoints(folder, captured.log);
      expect(endpoints.get('nms')).toBeUndefined();
      expect(captured.text()).toContain('forgotten');
      await endpoints.remember('nms', 'first');
      expect(JSON.parse(await readFile(join(folder, 'last-connected.json'), 'utf8'))).toEqual({
        nms: 'first',
      });
    },
  );

  it('warn and go on when they cannot be written', async () => {
    const endpoints = await openRememberedEndpoints(join(folder, 'missing'), captured.log);
    await endpoints.remember('nms', 'first');
    expect(endpoints.get('nms')).toBe('first');
    expect(captured.text()).toContain('not kept');
  });

  it('that could not be written are written at the next connection', async () => {
    const later = join(folder, 'later');
    const endpoints = await openRememberedEndpoints(later, captured.log);
    await endpoints.remember('nms', 'first');
    await mkdir(later);
    await endpoints.remember('nms', 'first');
    expect(JSON.parse(await readFile(join(later, 'last-connected.json'), 'utf8'))).toEqual({ nms: 'first' });
  });
});

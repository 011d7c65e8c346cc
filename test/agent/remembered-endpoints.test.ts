import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { openRememberedEndpoints } from '@callhome/agent/application/remembered-endpoints.js';
import { createLog } from '@callhome/shared/log.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

describe('the remembered endpoints', () => {
  let folder = '';
  let logged = '';
  const log = createLog(
    'test',
    new Writable({
      write(line, _encoding, done) {
        logged += line;
        done();
      },
    }),
  );
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callhome-'));
    logged = '';
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are there again after a restart', async () => {
    const before = await openRememberedEndpoints(folder, log);
    void before.remember('nms', 'second');
    await before.remember('other', 'first');
    const after = await openRememberedEndpoints(folder, log);
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
      const endpoints = await openRememberedEndpoints(folder, log);
      expect(endpoints.get('nms')).toBeUndefined();
      expect(logged).toContain('forgotten');
      await endpoints.remember('nms', 'first');
      expect(JSON.parse(await readFile(join(folder, 'last-connected.json'), 'utf8'))).toEqual({
        nms: 'first',
      });
    },
  );

  it('warn and go on when they cannot be written', async () => {
    const endpoints = await openRememberedEndpoints(join(folder, 'missing'), log);
    await endpoints.remember('nms', 'first');
    expect(endpoints.get('nms')).toBe('first');
    expect(logged).toContain('not kept');
  });
});

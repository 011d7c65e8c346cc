import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasJudge, judge } from '../conformance/judge.js';
import { runCommand } from '../programs/command.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { requirePeers } from './peers/require-peers.js';

let folder = '';
beforeAll(async () => {
  folder = await createFolder('init');
});
afterAll(() => removeFolder(folder));

requirePeers('yanglint')('what init writes', () => {
  test.skipIf(!hasJudge)(
    'is valid for `check` and for libyang, for both programs, in JSON and XML',
    async () => {
      const [nms, agent, key] = ['nms.json', 'agent.json', 'collector.pub'].map((file) =>
        path.join(folder, file),
      ) as [string, string, string];
      const run = async (...args: Parameters<typeof runCommand>): Promise<string> => {
        const { status, stdout, stderr } = await runCommand(...args);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        return stdout;
      };
      await run('nms', ['init', '--out', nms]);
      await writeFile(key, await run('nms', ['key', '--config', nms]));
      const calls = ['--nms', 'nms.example.net', '--nms', '[2001:db8::1]:14334', '--nms-key', key];
      await run('agent', ['init', '--out', agent, ...calls]);
      expect(await run('nms', ['check', nms])).toBe('valid\n');
      expect(await run('agent', ['check', agent])).toBe('valid\n');

      const json = await Promise.all([nms, agent].map((file) => readFile(file, 'utf8')));
      const xml = await Promise.all(
        [nms, agent].map((file) => run('agent', ['convert', file, '--to', 'xml'])),
      );
      const papers = [
        ...json.map((text) => ({ encoding: 'json' as const, text })),
        ...xml.map((text) => ({ encoding: 'xml' as const, text })),
      ];
      for (const { reason } of await judge(papers, folder)) expect(reason).toBe('');
    },
  );
});

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { members } from '@callhome/shared/config/configuration.js';
import { nodeOf, type Shape } from '@callhome/shared/config/yang/node.js';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { implemented, moduleFolders, nameOf, publishedModules } from '../../scripts/published-modules.mjs';
import { requirePeers } from '../interop/peers/require-peers.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { hasJudge, judge } from './judge.js';

let folder = '';
beforeAll(async () => {
  folder = await createFolder('modules');
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => removeFolder(folder));

/** Every MODULE:FEATURE whose data the schema refuses. */
function unsupported(shape: Shape): string[] {
  return Object.values(shape).flatMap((schema) => {
    const node = nodeOf(schema);
    if (node.kind === 'absent') return [node.feature];
    return 'shape' in node ? unsupported(node.shape) : [];
  });
}

test('no feature is supported for libyang that the schema refuses', () => {
  const refused = unsupported(members);
  expect(refused).toContain('ietf-netconf-client:ssh-initiate');
  const supported = Object.entries(implemented).flatMap(([module, features]) =>
    features.map((feature) => `${nameOf(module)}:${feature}`),
  );
  expect(supported.filter((feature) => refused.includes(feature))).toEqual([]);
});

test('of several revisions it is the one that the schema is written for, else the newest; what is nowhere is named', async () => {
  const [first, second] = [path.join(folder, 'RFC'), path.join(folder, 'iana')];
  const files = {
    [first]: [
      'ietf-inet-types.yang',
      'ietf-inet-types@2010-09-24.yang',
      'ietf-inet-types@2013-07-15.yang',
      'ietf-inet-types@2025-12-22.yang',
      'ietf-keystore@2023-01-01.yang',
      'ietf-truststore.yang',
      'iana-crypt-hash@2014-08-06.yang',
    ],
    [second]: ['ietf-keystore@2024-01-01.yang', 'iana-crypt-hash@2014-08-06.yang'],
  };
  for (const [folder, names] of Object.entries(files)) {
    await mkdir(folder);
    for (const name of names) await writeFile(path.join(folder, name), '');
  }
  const found = publishedModules([first, path.join(folder, 'nothing'), second]);
  expect(Object.fromEntries(found.files)).toEqual({
    'iana-crypt-hash': path.join(first, 'iana-crypt-hash@2014-08-06.yang'),
    'ietf-inet-types': path.join(first, 'ietf-inet-types@2013-07-15.yang'),
    'ietf-keystore': path.join(second, 'ietf-keystore@2024-01-01.yang'),
  });
  expect(found.missing).toContain('ietf-truststore@2024-10-10');
  expect(found.missing).toHaveLength(Object.keys(implemented).length);
});

requirePeers('yanglint')('the judge', () => {
  const papers = [{ encoding: 'json', text: '{}' }] as const;

  test.skipIf(!hasJudge)("does not mind that the user's home has no history of yanglint yet", async () => {
    const warning = 'YANGLINT[W]: Configuration directory "/home/.yanglint" does not exist, creating it.';
    const script = `#!/bin/sh\necho '${warning}' >&2\nPATH=${process.env['PATH']} exec yanglint "$@"\n`;
    await writeFile(path.join(folder, 'yanglint'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    expect(await judge(papers, folder)).toEqual([{ verdict: 'valid', reason: '' }]);
  });

  test.skipIf(!hasJudge)('has no verdict with a module that does not load', async () => {
    const broken = path.join(folder, 'broken');
    await mkdir(broken);
    await writeFile(path.join(broken, 'ietf-keystore@2024-10-10.yang'), 'module ietf-keystore {\n');
    vi.stubEnv('CALLHOME_YANG', [broken, ...moduleFolders()].join(':'));
    vi.resetModules();
    const other = await import('./judge.js');
    await expect(other.judge(papers, folder)).rejects.toThrow('ietf-keystore');
  });
});

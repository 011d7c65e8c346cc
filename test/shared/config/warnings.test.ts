import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadAgentConfig } from '@callhome/shared/config/agent-config.js';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { loadNmsConfig, newNmsDocument } from '@callhome/shared/config/nms-config.js';
import type { Fields } from '@callhome/shared/config/yang/node.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFolder, removeFolder } from '../../programs/folder.js';

const key = generateKeyPair();
const agent: Fields = newAgentDocument({
  endpoints: [{ address: '192.0.2.1', port: 4334 }],
  hostKey: key,
  user: 'callhome',
  userKeys: [key.publicKey],
});
const binds = [{ address: '::', port: 4334 }];
const collector: Fields = Object(newNmsDocument({ identity: key, binds, apiPort: 8334 }));

let folder = '';
beforeAll(async () => {
  folder = await createFolder('warnings');
});
afterAll(() => removeFolder(folder));

async function write(document: Fields, mode: number): Promise<string> {
  const file = path.join(folder, 'file.json');
  await writeFile(file, JSON.stringify(document));
  await chmod(file, mode);
  return file;
}

async function warnings(document: Fields, mode = 0o600): Promise<string[]> {
  const load = document === collector || 'callhome-nms:nms' in document ? loadNmsConfig : loadAgentConfig;
  const file = await write(document, mode);
  return [...(await load(file)).warnings].map((line) => line.replace(file, 'FILE'));
}

describe('a configuration file with keys in it', () => {
  test.each([
    [0o600, []],
    [0o400, []],
    [0o644, ['everybody has access to it (mode 0644): `chmod 0600`, or 0640 for its group too']],
    [0o602, ['everybody has access to it (mode 0602): `chmod 0600`, or 0640 for its group too']],
    [0o640, ['its group has access to it (mode 0640): `chmod 0600`, unless that is meant']],
    [0o660, ['its group has access to it (mode 0660): `chmod 0600`, unless that is meant']],
  ])('of mode %o has the warnings %j, for both programs', async (mode, texts) => {
    for (const document of [agent, collector])
      expect(await warnings(document, mode)).toEqual(
        texts.map((text) => `FILE: holds keys or passwords, and ${text}`),
      );
  });

  test('that is a pipe has no warning', async () => {
    const pipe = path.join(folder, 'pipe');
    execFileSync('sh', ['-c', `mkfifo -m 0666 ${pipe}`]);
    const [config] = await Promise.all([loadAgentConfig(pipe), writeFile(pipe, JSON.stringify(agent))]);
    expect(config.warnings).toEqual([]);
  });

  // only root can give a file away
  test.skipIf(process.getuid?.() !== 0)(
    'that is read by the right of its group has none for being so',
    async () => {
      const file = await write(agent, 0o640);
      await chown(file, 12_345, 0);
      expect((await loadAgentConfig(file)).warnings).toEqual([]);
      await chmod(file, 0o660);
      expect((await loadAgentConfig(file)).warnings).toHaveLength(1);
    },
  );
});

describe("the collector's API", () => {
  const at = (address: string): Fields => ({
    ...collector,
    'callhome-nms:nms': { api: { address, port: 8334 } },
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', '2001:db8::1'])(
    'in clear text on %s is warned of',
    async (address) => {
      expect(await warnings(at(address))).toEqual([
        `FILE: /callhome-nms:nms/api/address: ${address} is not loopback: whoever sees the traffic reads the token and all answers of devices, for the API speaks HTTP in clear text`,
      ]);
    },
  );

  test.each(['127.0.0.1', '127.8.8.8', '::1', '0:0::1', '::ffff:127.0.0.1'])(
    'on %s is not',
    async (address) => {
      expect(await warnings(at(address))).toEqual([]);
    },
  );
});

describe('flapping', () => {
  const kept = (connections: number): Fields => ({
    ...collector,
    'callhome-nms:nms': { history: { connections, flapping: { ends: 5 } } },
  });

  test('that is never seen, because too few connections are kept, is warned of', async () => {
    expect(await warnings(kept(4))).toEqual([
      'FILE: /callhome-nms:nms/history/flapping/ends: 5 ends are never seen, for 4 are kept of each device: no device is ever marked',
    ]);
    expect(await warnings(kept(5))).toEqual([]);
  });
});

describe('the program of a command backend', () => {
  const started = (program: string): Fields => ({
    ...agent,
    'callhome-agent:agent': { backend: { command: { program } } },
  });
  const place = 'FILE: /callhome-agent:agent/backend/command/program';

  test('that is not there, or cannot be started, is warned of', async () => {
    const file = path.join(folder, 'program');
    const notYet = (why: string) => [
      `${place}: ${JSON.stringify(file)} cannot be started by this user now: ${why}`,
    ];
    expect(await warnings(started(file))).toEqual(notYet('no such file or folder'));
    await mkdir(file);
    expect(await warnings(started(file))).toEqual(notYet('it is not a file'));
    await writeFile(`${file}.sh`, '#!/bin/sh\n', { mode: 0o600 });
    expect(await warnings(started(`${file}.sh`))).toEqual([expect.stringContaining(': permission denied')]);
    await chmod(`${file}.sh`, 0o700);
    expect(await warnings(started(`${file}.sh`))).toEqual([]);
  });
});

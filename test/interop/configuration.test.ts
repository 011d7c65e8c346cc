import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { newAgentDocument } from '@callhome/shared/config/agent-config.js';
import { newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFolder, removeFolder } from '../programs/folder.js';
import { requirePeers } from './peers/require-peers.js';

/** Validates with libyang against the IETF modules; it is outside of the checkout. */
const judge = path.resolve(process.env['CALLHOME_SHARED'] ?? '../shared', 'bin', 'yang-validate');
const hasJudge = existsSync(judge) || process.env['CI'] === 'true';
if (!hasJudge) process.stderr.write(`SKIPPED, missing ${judge}\n`);

requirePeers('yanglint')('libyang agrees with', () => {
  const key = generateKeyPair();
  let folder = '';
  beforeAll(async () => {
    folder = await createFolder('yang');
  });
  afterAll(() => removeFolder(folder));

  test.skipIf(!hasJudge).each([
    [
      'agent',
      newAgentDocument({
        endpoints: [
          { address: 'nms1.example.net', port: 4334 },
          { address: '2001:db8::1', port: 14334 },
        ],
        hostKey: key,
        user: 'callhome',
        userKeys: [key.publicKey],
      }),
    ],
    [
      'collector',
      newNmsDocument({
        identity: key,
        binds: [
          { address: '0.0.0.0', port: 4334 },
          { address: '::', port: 4334 },
        ],
        apiPort: 8334,
      }),
    ],
  ])("the %s's new configuration, but for the settings of our own", async (name, document) => {
    const standard = Object.entries(Object(document)).filter(([module]) => module.startsWith('ietf-'));
    const file = path.join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(Object.fromEntries(standard)));
    expect((await promisify(execFile)(judge, [file])).stdout).toBe(`${file}: valid\n`);
  });
});

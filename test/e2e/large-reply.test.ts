import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { binOf } from '../programs/logged-program.js';
import { createOwner } from '../programs/owned.js';
import { commandBackend } from '../programs/settings.js';

const owned = createOwner();

/** The most memory that a process has had so far. Megabytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

test('a reply of 200 MB passes through the agent, the collector and the command line in bounded memory', async () => {
  const program = path.join(import.meta.dirname, '..', 'programs', 'large-reply.mjs');
  const backend = commandBackend(process.execPath, [program, '200']);
  const collector = owned(await startCollector());
  const agent = owned(
    await createAgent({
      ports: [collector.port],
      nmsKey: collector.publicKey,
      edit: (text) => text.replace('"embedded": {}', JSON.stringify(backend).slice(1, -1)),
    }),
  );
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  const programs = [collector.program.pid, agent.program.pid];
  const before = await Promise.all(programs.map(peakMemory));

  const args = [binOf('nms'), 'get-config', 'router1', '--state-dir', path.join(collector.folder, 'state')];
  const command = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  let tail = '';
  let commandPeak = 0;
  for await (const chunk of command.stdout) {
    bytes += chunk.length;
    tail = (tail + chunk.toString('latin1')).slice(-30);
    if (bytes > 190_000_000 && commandPeak === 0 && command.pid) commandPeak = await peakMemory(command.pid);
  }
  expect(bytes).toBeGreaterThan(200_000_000);
  expect(tail).toContain(']]></text></data></rpc-reply>');
  const after = await Promise.all(programs.map(peakMemory));
  const growth = after.map((peak, index) => peak - (before[index] ?? 0));
  expect(Math.max(...growth)).toBeLessThan(100);
  expect(commandPeak).toBeLessThan(200);
});

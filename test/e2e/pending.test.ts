import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type AgentProgram, createAgent } from '../programs/agent.js';
import { type CollectorProgram, startCollector } from '../programs/collector.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();

const pendingKeys = z.array(
  z.looseObject({ fingerprint: z.string(), state: z.string(), calls: z.number(), said: z.string() }),
);

/** A collector, and an agent that it does not know and that has called it. */
async function startStrangers(): Promise<{
  collector: CollectorProgram;
  agent: AgentProgram;
  fingerprint: string;
  run(...args: string[]): Promise<string>;
}> {
  const collector = owned(await startCollector());
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
  await agent.start();
  const refused = await agent.program.logged({ code: 'CALLHOME_HOST_KEY_REFUSED' });
  expect(refused['reason']).toContain('callhome-nms pending');
  await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_HOST_KEY_UNKNOWN' });
  const { stdout } = await collector.command(['pending', '--json']);
  const [key, ...others] = pendingKeys.parse(JSON.parse(stdout));
  expect(others).toEqual([]);
  expect(key).toMatchObject({ state: 'pending', said: expect.stringMatching(/^SSH-2\.0-/) });
  return {
    collector,
    agent,
    fingerprint: key?.fingerprint ?? '',
    async run(...args) {
      const result = await collector.command(args);
      expect(result).toMatchObject({ status: 0 });
      return result.stdout;
    },
  };
}

describe('a device that nobody knows yet', () => {
  test('calls, is shown, is approved by the beginning of its fingerprint, and is connected and answers', async () => {
    const { collector, fingerprint, run } = await startStrangers();
    expect(await run('pending')).toMatch(
      /^SHA256:\S{43}\tpending\t\d+\t\S+\t\S+\t127\.0\.0\.1 port \d+\tSSH-2\.0-\S+\n$/,
    );
    const label = ['--label', 'site=berlin', '--description', 'core'];
    const approved = await collector.command([
      'approve',
      fingerprint.slice(0, 20),
      '--as',
      'router1',
      ...label,
    ]);
    expect(approved).toMatchObject({ status: 0, stdout: `${fingerprint} ssh-ed25519\n` });
    expect(approved.stderr).toMatch(
      /^router1 is let in at its next call\. It (has called once|called \d+ s ago)/,
    );
    await collector.connected('router1');
    expect(await run('pending')).toBe('');
    expect(await run('get-config', 'router1')).toContain('<remote-address>');
    expect(JSON.parse(await run('device', 'show', 'router1', '--json'))).toMatchObject({
      state: 'connected',
      labels: { site: 'berlin' },
      description: 'core',
      hostKeys: [{ fingerprint, origin: 'approved' }],
    });
    const late = await collector.command(['approve', fingerprint, '--as', 'router2']);
    expect(late).toMatchObject({ status: 3, stderr: expect.stringContaining('device "router1"') });
  });

  test('is rejected, calls on and stays so, and is pending again once that is forgotten', async () => {
    const { collector, agent, fingerprint, run } = await startStrangers();
    await run('reject', fingerprint);
    await collector.program.logged({ msg: 'key rejected', fingerprint });
    await agent.command('reconnect');
    await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_HOST_KEY_REJECTED' });
    expect(await run('pending')).toMatch(/^SHA256:\S+\trejected\t/);
    await run('pending', 'forget', fingerprint);
    await collector.program.logged({ msg: 'key forgotten', fingerprint });
    await agent.command('reconnect');
    // It has called in between, or does so now.
    await expect.poll(() => run('pending')).toMatch(/^SHA256:\S+\tpending\t/);
  });

  test('is named as `pending` shows it: anything else tells what to do', async () => {
    const collector = owned(await startCollector());
    for (const args of [['approve', '--as', 'x'], ['reject'], ['pending', 'forget']]) {
      const [verb = '', ...rest] = args;
      const unknown = await collector.command([verb, ...rest, 'SHA256:nobodyknows']);
      expect(unknown).toMatchObject({ status: 3, stderr: expect.stringContaining('callhome-nms pending') });
      const wrong = await collector.command([verb, ...rest, 'SHA256:short']);
      expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('first 10 characters') });
    }
    const nameless = await collector.command(['approve', 'SHA256:nobodyknows']);
    expect(nameless).toMatchObject({ status: 2, stderr: expect.stringContaining('--as') });
  });
});

test('a collector that is killed while keys are approved loses no approval that it has told', async () => {
  const folder = await createFolder('approvals');
  owned({ stop: () => removeFolder(folder) });
  const state = path.join(folder, 'state');
  await mkdir(state, { mode: 0o700 });
  const fingerprintOf = (i: number) => `SHA256:${String(i).padStart(43, '0')}`;
  const count = 300;
  const registry = await openEmbeddedRegistry(state);
  for (let i = 0; i < count; i++) {
    const key = { type: 'ssh-ed25519', blob: `key-${i}`, fingerprint: fingerprintOf(i) };
    const at = '2026-01-01T00:00:00.000Z';
    const call = { at, source: 's', remoteAddress: 's port 1', listener: 'call-home', said: '' };
    await registry.pending.seen(key, call);
  }
  await registry.close();

  const collector = owned(await startCollector({ state }));
  const readState = async (file: string) => (await readFile(path.join(state, file), 'utf8')).trim();
  /** What the collector has said is done. */
  const approved: number[] = [];
  let next = 0;
  for (let round = 1; round <= 3; round++) {
    const headers = { Authorization: `Bearer ${await readState('token')}` };
    const url = await readState('url');
    let restarted: Promise<void> | undefined;
    while (next < count) {
      const i = next++;
      const where = new URL(`/v1/pending/${fingerprintOf(i)}/approve`, url);
      const body = JSON.stringify({ device: `device-${i}` });
      const answer = await fetch(where, { method: 'POST', headers, body }).catch(() => undefined);
      if (!answer) break;
      expect(answer.status).toBe(200);
      approved.push(i);
      // In the middle of those that follow.
      if (approved.length === 20 * round) restarted = collector.restart();
    }
    await restarted;
  }
  const { stdout } = await collector.command(['devices']);
  const devices = new Set(stdout.split('\n').map((row) => row.split('\t')[0]));
  const left = pendingKeys.parse(JSON.parse((await collector.command(['pending', '--json'])).stdout));
  const waiting = new Set(left.map(({ fingerprint }) => fingerprint));
  expect(approved.length).toBeGreaterThanOrEqual(60);
  for (const i of approved) expect(devices).toContain(`device-${i}`);
  // Each is one or the other, whatever was told of it.
  for (let i = 0; i < count; i++)
    expect([i, devices.has(`device-${i}`)]).toEqual([i, !waiting.has(fingerprintOf(i))]);
});

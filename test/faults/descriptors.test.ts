import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { runCommand } from '../programs/command.js';
import type { Runner } from '../programs/logged-program.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();

/** Runs a program with a limit of open files. On SIGUSR2 it opens many more. */
function limited(limit: number): Runner {
  const onSignal = `import fs from "node:fs";
    process.on("SIGUSR2", () => { for (let i = 0; i < 110; i++) fs.openSync("/dev/null"); })`;
  return [
    'prlimit',
    `--nofile=${limit}`,
    process.execPath,
    '--import',
    `data:text/javascript,${encodeURIComponent(onSignal)}`,
  ];
}

async function open(socket: Socket): Promise<Socket> {
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

test.each([
  ['agent', 'run'],
  ['nms', 'serve'],
] as const)(
  'callhome-%s does not start with less than it needs, and says so in a line',
  async (program, command) => {
    const result = await runCommand(program, [command, '--config', '/dev/null'], '', limited(64));
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(/^callhome-\w+: this process may open 64 files and connections, .*\n$/);
  },
);

test('the collector refuses calls before it runs out of them, says so, and serves those that it has', async () => {
  const collector = owned(await startCollector({ runner: limited(192) }));
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  const callers = await Promise.all(
    Array.from({ length: 200 }, () => open(connect(collector.port, '127.0.0.1'))),
  );
  await collector.program.logged({ msg: 'call refused', reason: 'too-few-descriptors' });
  const { stdout } = await collector.command(['rpc', 'router1'], '<get/>');
  expect(stdout).toContain('<data');
  for (const caller of callers) caller.destroy();
  expect(await agent.command('reconnect')).toMatchObject({ status: 0 });
  await collector.program.logged({ msg: 'device connected' }, 2);
});

test('the agent refuses commands before it runs out of them, says so, and stays connected', async () => {
  const collector = owned(await startCollector());
  const agent = owned(
    await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, runner: limited(192) }),
  );
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  expect(await agent.command('status')).toMatchObject({ status: 0 });
  process.kill(agent.program.pid, 'SIGUSR2');
  await expect.poll(async () => (await agent.command('status')).status, { timeout: 60_000 }).toBe(1);
  await agent.program.logged({ msg: 'control connection refused', reason: 'too-few-descriptors' });
  expect((await collector.command(['rpc', 'router1'], '<get/>')).stdout).toContain('<data');
});

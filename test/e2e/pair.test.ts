import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type AgentProgram, createAgent } from '../programs/agent.js';
import { type CollectorProgram, startCollector } from '../programs/collector.js';
import { runCommand } from '../programs/command.js';
import { createOwner } from '../programs/owned.js';

const owned = createOwner();
const device = z.looseObject({
  id: z.string(),
  state: z.string(),
  connections: z.number(),
  reason: z.string().nullable(),
});

async function startPair(
  edit = (text: string) => text,
): Promise<{ collector: CollectorProgram; agent: AgentProgram }> {
  const collector = owned(await startCollector());
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, edit }));
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  return { collector, agent };
}

describe('an agent that called home', () => {
  test('is shown as connected, with what is known of it', async () => {
    const { collector, agent } = await startPair();
    const { stdout, status } = await collector.command(['devices', '--json']);
    expect(status).toBe(0);
    expect(z.array(device).parse(JSON.parse(stdout))).toMatchObject([
      {
        id: 'router1',
        state: 'connected',
        transport: 'ssh',
        user: 'callhome',
        remoteAddress: expect.stringMatching(/^127\.0\.0\.1/),
        hostKey: expect.stringMatching(/^SHA256:/),
        sessionId: 1,
        capabilities: expect.arrayContaining(['urn:ietf:params:netconf:base:1.1']),
        connections: 1,
      },
    ]);
    expect(agent.program.lines({ msg: 'connected' })).toHaveLength(1);
    const shown = await collector.command(['device', 'show', 'router1']);
    expect(shown.stdout).toContain('connected');
    const plain = await collector.command(['devices']);
    expect(plain.stdout).toMatch(/^router1\tconnected\t/);
  });

  test('answers get-config, filtered, without its private keys', async () => {
    const { collector, agent } = await startPair();
    const { stdout, status } = await collector.command(['get-config', 'router1']);
    expect(status).toBe(0);
    expect(stdout).toContain('<remote-address>127.0.0.1</remote-address>');
    const file = await readFile(path.join(agent.folder, 'agent.json'), 'utf8');
    const secret = /"cleartext-private-key": "(.+?)"/.exec(file)?.[1] ?? 'no secret found';
    expect(file).toContain(secret);
    expect(stdout).not.toContain(secret);
    const filter = path.join(import.meta.dirname, 'keystore-filter.xml');
    const filtered = await collector.command(['get-config', 'router1', '--filter', filter]);
    expect(filtered.stdout).toContain('<name>host-key</name>');
    expect(filtered.stdout).not.toContain('<remote-address>');
  });

  test('tells what it cannot do as an rpc-error, with exit status 4', async () => {
    const { collector } = await startPair();
    const { stdout, status } = await collector.command(['rpc', 'router1'], '<commit/>');
    expect(status).toBe(4);
    expect(stdout).toContain('<error-tag>operation-not-supported</error-tag>');
  });

  test('gives every `netconf` command a session of its own', async () => {
    const { collector } = await startPair();
    const end = ']]>]]>';
    const hello = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>${end}`;
    const rpc = (id: number, operation: string) =>
      `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="${id}">${operation}</rpc>${end}`;
    const open = (...rpcs: string[]) => collector.command(['netconf', 'router1'], hello + rpcs.join(''));
    const { stdout, status } = await open(rpc(1, '<get/>'), rpc(2, '<close-session/>'));
    expect(status).toBe(0);
    const messages = stdout.split(end);
    expect(messages[0]).toContain('<session-id>2</session-id>');
    expect(messages[1]).toContain('<remote-port>');
    expect(messages[2]).toContain('<ok/>');
    await open(rpc(1, '<kill-session><session-id>1</session-id></kill-session>'));
    // The collector's own session was the first: killed, it takes the connection with it, and the agent comes back.
    await collector.program.logged({ msg: 'device disconnected', code: 'CALLHOME_SESSION_CLOSED' });
  });

  test('and has room for one session gives it to the `netconf` command, and then back', async () => {
    const { collector } = await startPair((text) =>
      JSON.stringify({ ...JSON.parse(text), 'callhome-agent:agent': { 'max-sessions': 1 } }),
    );
    const get = () => collector.command(['rpc', 'router1'], '<get/>');
    expect(await get()).toMatchObject({ status: 0 });
    const netconf = owned(await collector.netconf('router1'));
    const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
    netconf.write(
      `<hello ${ns}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>`,
    );
    await netconf.until('<session-id>2</session-id>');
    expect(await get()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('the device refused a NETCONF session'),
    });
    netconf.write(`<rpc ${ns} message-id="1"><close-session/></rpc>]]>]]>`);
    await netconf.until('<ok/>');
    expect(await netconf.ended).toBe(0);
    await expect.poll(async () => (await get()).status).toBe(0);
    expect(collector.program.lines({ msg: 'device disconnected' })).toEqual([]);
  });

  test('replaces its old connection when it comes back before that is known dead', async () => {
    const { collector, agent } = await startPair();
    process.kill(agent.program.pid, 'SIGSTOP');
    const twin = await readFile(path.join(agent.folder, 'agent.json'), 'utf8');
    const second = owned(
      await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, edit: () => twin }),
    );
    await second.start();
    await collector.program.logged({ msg: 'device disconnected', code: 'CALLHOME_REPLACED' });
    const { stdout } = await collector.command(['device', 'show', 'router1', '--json']);
    expect(device.parse(JSON.parse(stdout))).toMatchObject({ state: 'connected', connections: 2 });
    process.kill(agent.program.pid, 'SIGKILL');
  });

  test('is disconnected when it stops, and when it is removed', async () => {
    const { collector, agent } = await startPair();
    await agent.program.stop('SIGTERM');
    expect(await agent.program.ended).toBe(0);
    await collector.program.logged({ msg: 'device disconnected' });
    const gone = await collector.command(['rpc', 'router1'], '<get/>');
    expect(gone).toMatchObject({ status: 3, stderr: expect.stringContaining('not connected') });
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(await collector.command(['device', 'remove', 'router1'])).toMatchObject({ status: 0 });
    await agent.program.logged({ msg: 'attempt failed', code: 'CALLHOME_HOST_KEY_REFUSED' });
    expect(await collector.command(['device', 'show', 'router1'])).toMatchObject({ status: 3 });
  });
});

describe('refusals', () => {
  test('a device that nobody knows is dropped, counted, and told so in its own log', async () => {
    const collector = owned(await startCollector());
    const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
    await agent.start();
    await agent.program.logged({ msg: 'attempt failed', code: 'CALLHOME_HOST_KEY_REFUSED' });
    const line = await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_HOST_KEY_UNKNOWN' });
    expect(line['reason']).toContain('SHA256:');
    // No request to log in reached it, so that no user's name, key or signature did.
    expect(agent.program.lines({ msg: 'user refused' })).toEqual([]);
    expect((await collector.command(['devices', '--json'])).stdout.trim()).toBe('[]');
  });

  test('a collector whose key the agent does not have is refused, and both say so', async () => {
    const collector = owned(await startCollector());
    const other = owned(await startCollector());
    const agent = owned(await createAgent({ ports: [collector.port], nmsKey: other.publicKey }));
    await collector.addDevice('router1', agent.hostKey);
    await agent.start();
    await agent.program.logged({ msg: 'attempt failed', code: 'CALLHOME_AUTHENTICATION_FAILED' });
    await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_AUTHENTICATION_FAILED' });
  });
});

describe('the state folders', () => {
  test('are private, and hold nothing that is not expected', async () => {
    const { collector, agent } = await startPair();
    for (const folder of [path.join(collector.folder, 'state'), path.join(agent.folder, 'state')]) {
      expect((await stat(folder)).mode & 0o077).toBe(0);
      for (const name of await readdir(folder)) {
        // What is written anew has another name for a moment.
        const file = await stat(path.join(folder, name)).catch(() => undefined);
        if (file) expect(file.mode & 0o077).toBe(0);
      }
    }
  });

  test('belong to one program: a second one refuses to start', async () => {
    const { collector, agent } = await startPair();
    const serve = ['serve', '--config', path.join(collector.folder, 'nms.json')];
    const second = await collector.command(serve);
    expect(second).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`in use by process ${collector.program.pid}`),
    });
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    const state = path.join(agent.folder, 'state');
    const run = ['run', '--config', path.join(agent.folder, 'agent.json'), '--state-dir', state];
    expect(await runCommand('agent', run)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`in use by process ${agent.program.pid}`),
    });
  });
});

import { connect } from 'node:net';
import path from 'node:path';
import { askAgent } from '@callhome/agent/control/client.js';
import { members } from '@callhome/shared/config/configuration.js';
import { readDocument } from '@callhome/shared/config/document.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import { describe, expect, test } from 'vitest';
import { type AgentProgram, createAgent } from '../programs/agent.js';
import { type CollectorProgram, startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { commandBackend, settings } from '../programs/settings.js';

const owned = createOwner();

async function callingAgent(
  collector: CollectorProgram,
  edit?: (text: string) => string,
  nmsKey = collector.publicKey,
): Promise<AgentProgram> {
  const agent = owned(
    await createAgent({
      ports: [collector.port],
      nmsKey,
      ...(edit && { edit }),
    }),
  );
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  return agent;
}

async function statusOf(agent: AgentProgram): Promise<Record<string, unknown>[]> {
  const { status, stdout, stderr } = await agent.command('status', '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** The configuration with a second application that is like the first, but calls another port. */
function withAnother(text: string, port: number): string {
  const data = JSON.parse(text);
  const list = data['ietf-netconf-server:netconf-server']['call-home']['netconf-client'];
  const [first] = list;
  const another = JSON.parse(settings({ 'remote-port': port })(JSON.stringify(first)));
  list.push({ ...another, name: 'another' });
  return JSON.stringify(data);
}

const periodic = (members: object) => settings({ 'connection-type': { periodic: members } });

describe('the status of a running agent', () => {
  test('tells of a connection, as a table, as JSON and over NETCONF', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await collector.connected('router1');
    expect(await statusOf(agent)).toEqual([
      {
        application: 'nms',
        connectionType: 'persistent',
        state: 'connected',
        endpoint: 'nms-1',
        address: '127.0.0.1',
        port: collector.port,
        attempt: 1,
        maxAttempts: 3,
        connectedSince: expect.stringMatching(/^20\d\d-.*Z$/),
        user: 'callhome',
        sessions: 1,
        totals: { attempts: 1, failures: 0, connections: 1, sessions: 1 },
      },
    ]);
    const { stdout: table } = await agent.command('status');
    expect(table).toMatch(/^nms\tconnected\tnms-1 \(127\.0\.0\.1 port \d+\)\t-\t20.*Z\t1\t-\n$/);

    const filter = '<filter><state xmlns="urn:callhome:yang:callhome-agent"/></filter>';
    const { stdout: reply } = await collector.command(['rpc', 'router1', '-'], `<get>${filter}</get>`);
    expect(reply).toContain('<application><name>nms</name><connection-type>persistent</connection-type>');
    expect(reply).toContain('<state>connected</state>');
    expect(reply).not.toContain('<keystore');
    const { stdout: config } = await collector.command(['get-config', 'router1']);
    expect(config).not.toContain('<state');
  });

  test('tells why there is no connection, and when the next attempt is', async () => {
    const agent = owned(
      await createAgent({
        ports: [1],
        nmsKey: owned(await startCollector()).publicKey,
        // of the number of the attempt nothing is left to chance
        edit: settings({ 'backoff-cap': 3600, 'reconnect-strategy': { 'max-attempts': 1 } }),
      }),
    );
    await agent.start();
    await agent.program.logged({ msg: 'attempt failed', attempt: 1 });
    const [application] = await statusOf(agent);
    expect(application).toMatchObject({
      state: expect.stringMatching(/waiting|dialling/),
      attempt: 1,
      sessions: 0,
      lastError: {
        code: 'CALLHOME_DIAL_FAILED',
        endpoint: 'nms-1',
        message: expect.stringContaining('ECONNREFUSED'),
      },
      totals: { connections: 0, sessions: 0 },
    });
  });

  test('is not to be had where no agent runs, and the message says what to do', async () => {
    const agent = owned(await createAgent({ ports: [1], nmsKey: owned(await startCollector()).publicKey }));
    const { status, stderr } = await agent.command('status');
    expect(status).toBe(1);
    expect(stderr).toContain('is `callhome-agent run` running');
  });

  test('is there again after a kill -9', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await agent.program.logged({ msg: 'connected' });
    await agent.program.stop('SIGKILL');
    expect((await agent.command('status')).stderr).toContain('no agent answers');
    await agent.start();
    await agent.program.logged({ msg: 'connected' });
    expect(await statusOf(agent)).toMatchObject([{ state: 'connected' }]);
  });

  test('is answered beside clients that send nothing, nonsense, or too much', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await collector.connected('router1');
    const answers = ['', 'nonsense', '{"command":"status","x":1}', `"${'x'.repeat(100_000)}"`].map(
      (request) =>
        new Promise<string>((resolve) => {
          const socket = connect({
            path: path.join(agent.folder, 'state', 'agent.sock'),
            allowHalfOpen: true,
          });
          let text = '';
          socket.on('data', (chunk) => {
            text += chunk;
          });
          socket.on('error', () => undefined).on('close', () => resolve(text));
          socket.end(request);
        }),
    );
    connect({ path: path.join(agent.folder, 'state', 'agent.sock') }).unref();
    expect(await statusOf(agent)).toMatchObject([{ state: 'connected' }]);
    for (const answer of await Promise.all(answers)) expect(answer).toContain('"error"');
  });
});

test('an agent and a collector run on configurations in XML', async () => {
  const asXml = (text: string): string => writeXml(members, readDocument(text, 'configuration').data);
  const collector = owned(await startCollector({ edit: asXml }));
  const agent = await callingAgent(collector, asXml);
  await collector.connected('router1');
  expect(await statusOf(agent)).toMatchObject([{ state: 'connected' }]);
});

describe('a running agent is told', () => {
  test('to reconnect: it ends the connection and makes another', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await collector.connected('router1');
    expect(await agent.command('reconnect', 'nms')).toMatchObject({ status: 0 });
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_RECONNECT' });
    await agent.program.logged({ msg: 'connected' }, 2);
    expect(await agent.command('reconnect', 'nobody')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no application "nobody"'),
    });
    expect(await agent.command('connect-now')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no application is periodic'),
    });
    expect(await agent.command('connect-now', 'nms')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not periodic'),
    });
  });

  test('to reconnect in a pause: it attempts at once', async () => {
    const collector = owned(await startCollector());
    const agent = owned(
      await createAgent({
        ports: [1],
        nmsKey: collector.publicKey,
        edit: settings({ 'backoff-cap': 3600, 'reconnect-strategy': { 'max-attempts': 1 } }),
      }),
    );
    await agent.start();
    // long enough, sooner or later, to be found in the pause
    for (let nth = 1; nth <= 8; nth++) {
      await agent.program.logged({ msg: 'attempt failed' }, nth);
      await agent.command('reconnect');
    }
  });

  test.each(['reload', 'SIGHUP'] as const)(
    'to reload, by %s: what did not change stays connected',
    async (way) => {
      const collector = owned(await startCollector());
      const second = owned(await startCollector());
      const keys = `${collector.publicKey}\n${second.publicKey}`;
      const agent = await callingAgent(collector, undefined, keys);
      await collector.connected('router1');
      const reload = async (): Promise<string> => {
        if (way === 'reload') return (await agent.command('reload')).stdout;
        process.kill(agent.program.pid, 'SIGHUP');
        return '';
      };
      await second.addDevice('router1', agent.hostKey);
      await agent.edit((text) => withAnother(text, second.port));
      const said = await reload();
      await agent.program.logged({ msg: 'configuration reloaded' });
      if (way === 'reload') expect(said).toBe('added\tanother\nunchanged\tnms\n');
      await agent.program.logged({ msg: 'connected', application: 'another' });

      await agent.edit((text) => text.replaceAll('"another"', '"other"'));
      await reload();
      await agent.program.logged({
        msg: 'disconnected',
        application: 'another',
        code: 'CALLHOME_RECONFIGURED',
      });
      await agent.program.logged({ msg: 'connected', application: 'other' });
      expect((await statusOf(agent)).map(({ application }) => application)).toEqual(['nms', 'other']);
      expect(agent.program.lines({ msg: 'disconnected', application: 'nms' })).toEqual([]);
    },
  );

  test('to reload: sessions keep their numbers, and may still end one another', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await collector.connected('router1');
    await agent.edit(settings({ 'backoff-cap': 59 }));
    expect((await agent.command('reload')).stdout).toBe('unchanged\tnms\n');
    const netconf = owned(await collector.netconf('router1'));
    await netconf.until('<session-id>2</session-id>');
    const { stdout: config } = await collector.command(['get-config', 'router1']);
    expect(config).toContain('<backoff-cap>59</backoff-cap>');
  });

  test('to reload a file that is invalid: nothing changes, and it says why', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await collector.connected('router1');
    await agent.edit((text) => text.replace('"persistent"', '"for-ever"'));
    const { status, stderr } = await agent.command('reload');
    expect(status).toBe(1);
    expect(stderr).toContain('/connection-type/for-ever: is not known here');
    await agent.program.logged({ level: 'error', msg: 'configuration not reloaded: the former one holds' });
    expect(await statusOf(agent)).toMatchObject([{ state: 'connected', totals: { connections: 1 } }]);
  });
});

describe('the stop of a running agent', () => {
  test('ends in order in the midst of many reloads', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector);
    await collector.connected('router1');
    const reloads = Array.from({ length: 20 }, () =>
      askAgent(path.join(agent.folder, 'state'), { command: 'reload' }),
    );
    const answers = Promise.allSettled(reloads);
    await agent.program.logged({ msg: 'configuration reloaded' });
    process.kill(agent.program.pid, 'SIGTERM');
    expect(await agent.program.ended).toBe(0);
    await answers;
    expect(agent.program.lines({ level: 'error' })).toEqual([]);
    expect(agent.program.lines({ msg: 'disconnected' })).toMatchObject([{ code: 'CALLHOME_STOPPED' }]);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends the programs of its sessions with it',
    async (signal) => {
      const collector = owned(await startCollector());
      const namespace = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
      const capabilities =
        '<capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>';
      const hello = `<hello ${namespace}>${capabilities}<session-id>1</session-id></hello>]]>]]>`;
      const deaf = `trap '' TERM; echo '${hello}'; while :; do sleep 1000; done`;
      const agent = await callingAgent(
        collector,
        settings({ backend: commandBackend('/bin/sh', ['-c', deaf]) }),
      );
      await collector.connected('router1');
      const { process: program } = await agent.program.logged({ msg: 'session opened', backend: '/bin/sh' });
      process.kill(agent.program.pid, signal);
      expect(await agent.program.ended).toBe(0);
      expect(agent.program.lines({ msg: 'session closed', outcome: 'killed by SIGKILL' })).toHaveLength(1);
      expect(() => process.kill(Number(program), 0)).toThrow('ESRCH');
    },
  );
});

describe('a periodic application', () => {
  test('ends when it is idle, waits for its time, and connects before it when it is told to', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector, periodic({ period: 65535, 'idle-timeout': 1 }));
    await agent.program.logged({ msg: 'connected' });
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_IDLE' });
    await agent.program.logged({ msg: 'next connection due' });
    const [waiting] = await statusOf(agent);
    expect(waiting).toMatchObject({
      state: 'waiting',
      connectionType: 'periodic',
      totals: { connections: 1 },
    });
    // nothing is wrong
    expect(waiting).not.toHaveProperty('lastError');
    const inDays = (Date.parse(String(waiting?.['nextAttempt'])) - Date.now()) / (24 * 3600 * 1000);
    expect(inDays).toBeGreaterThan(45);
    expect(inDays).toBeLessThan(65535 / 60 / 24);
    expect(await agent.command('connect-now')).toMatchObject({ status: 0 });
    await agent.program.logged({ msg: 'connected' }, 2);
    await agent.program.logged({ msg: 'next connection due' }, 2);
  });

  test('connects again at once when its connection was lost', async () => {
    const collector = owned(await startCollector());
    const agent = await callingAgent(collector, periodic({ period: 65535, 'idle-timeout': 0 }));
    await collector.connected('router1');
    await collector.restart('SIGKILL');
    await agent.program.logged({ msg: 'connected' }, 2);
    expect(agent.program.lines({ msg: 'next connection due' })).toEqual([]);
  });

  test('waits for its anchor, however far away', async () => {
    const collector = owned(await startCollector());
    const anchor = '2020-01-01T00:00:00+01:00';
    const agent = await callingAgent(collector, periodic({ period: 65535, 'anchor-time': anchor }));
    await agent.program.logged({ msg: 'next connection due' });
    const [waiting] = await statusOf(agent);
    const period = 65535 * 60_000;
    expect((Date.parse(String(waiting?.['nextAttempt'])) - Date.parse(anchor)) % period).toBe(0);
    expect(waiting).toMatchObject({ state: 'waiting', totals: { attempts: 0 } });
  });
});

import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { settings } from '../programs/settings.js';
import { createLightDevice } from './light-device.js';
import { startRelay } from './relay.js';

const owned = createOwner();
const namespace = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
const capabilities =
  '<capabilities><capability>urn:ietf:params:netconf:base:1.0</capability><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities>';
const endOfMessage = ']]>]]>';

test('in the middle of the SSH handshake: both give up, and the next attempt succeeds', async () => {
  const edit = settings({ 'handshake-timeout': 4 });
  const collector = owned(await startCollector({ edit }));
  // Their identifications pass, and the beginnings of the key exchange.
  const relay = owned(await startRelay(collector.port, 100));
  const agent = owned(await createAgent({ ports: [relay.port], nmsKey: collector.publicKey, edit }));
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  const code = 'CALLHOME_HANDSHAKE_TIMEOUT';
  const stage = { reason: expect.stringContaining('SSH handshake') };
  expect(await agent.program.logged({ msg: 'attempt failed', code })).toMatchObject(stage);
  expect(await collector.program.logged({ msg: 'call failed', code })).toMatchObject(stage);
  expect(await agent.program.logged({ msg: 'connected' })).toMatchObject({ attempt: 2 });
});

test('a device in the middle of its hello: the collector ends the connection, and the other device stays', async () => {
  const edit = settings({ 'handshake-timeout': 4 });
  const collector = owned(await startCollector({ edit }));
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
  const device = createLightDevice();
  await collector.addDevice('router1', agent.hostKey);
  await collector.addDevice('stalling', device.hostKey);
  await agent.start();
  await collector.connected('router1');
  const { socket } = await device.call(collector.port, (channel) => {
    channel.resume();
    channel.write(`<hello ${namespace}><capabilities>`);
  });
  const gone = new Promise((resolve) => socket.once('close', resolve));
  const failed = await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
  expect(failed).toMatchObject({ reason: expect.stringContaining('NETCONF hello') });
  await gone;
  expect((await collector.command(['get-config', 'router1'])).status).toBe(0);
});

test('a device in the middle of a chunk: the request fails in time; the other device answers, and the rest may still come', async () => {
  const collector = owned(await startCollector());
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
  const device = createLightDevice();
  await collector.addDevice('router1', agent.hostKey);
  await collector.addDevice('stalling', device.hostKey);
  await agent.start();
  await collector.connected('router1');

  const frame = (message: string) => `\n#${Buffer.byteLength(message)}\n${message}\n##\n`;
  /** What the device does not send yet; undefined once it goes on. */
  let held: string | undefined = '';
  let goOn: () => void = () => undefined;
  const { socket } = await device.call(collector.port, (channel) => {
    channel.write(`<hello ${namespace}>${capabilities}<session-id>1</session-id></hello>${endOfMessage}`);
    channel.on('data', (data: Buffer) => {
      const id = /message-id="(\d+)"/.exec(data.toString())?.[1];
      if (id === undefined) return;
      const reply = frame(
        `<rpc-reply ${namespace} message-id="${id}"><data>${'x'.repeat(100)}</data></rpc-reply>`,
      );
      const now = held === undefined ? reply : held === '' ? reply.slice(0, reply.indexOf('xxx')) : '';
      channel.write(now);
      if (held !== undefined) held += reply.slice(now.length);
    });
    goOn = () => {
      channel.write(held);
      held = undefined;
    };
  });
  owned({ stop: async () => void socket.destroy() });
  await collector.connected('stalling');

  const cut = await collector.command(['rpc', 'stalling', '--timeout', '0.5'], '<get/>');
  expect(cut).toMatchObject({ status: 1, stderr: expect.stringContaining('cut off') });
  // Its session is stuck in that reply, and says so in time.
  const stuck = await collector.command(['rpc', 'stalling', '--timeout', '0.5'], '<get/>');
  expect(stuck).toMatchObject({ status: 1, stderr: expect.stringContaining('nothing has come for 0.5 s') });
  expect((await collector.command(['get-config', 'router1'])).status).toBe(0);
  goOn();
  expect(await collector.command(['rpc', 'stalling'], '<get/>')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('xxx</data>'),
  });
});

test('a client in the middle of a chunk: the other sessions of its connection go on', async () => {
  const collector = owned(await startCollector());
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  const client = owned(await collector.netconf('router1'));
  client.write(
    `<hello ${namespace}>${capabilities}</hello>${endOfMessage}\n#1000\n<rpc ${namespace} message-id="1">`,
  );
  await client.until('</hello>');
  expect((await collector.command(['get-config', 'router1'])).status).toBe(0);
  await client.stop();
  await agent.program.logged({ msg: 'session closed', session: 2 });
  expect((await collector.command(['get-config', 'router1'])).status).toBe(0);
});

test('the agent as a whole: the collector drops it, the request under way fails; it comes back when it runs again', async () => {
  const edit = settings({ keepalives: { 'max-wait': 6, 'max-attempts': 1 } });
  const collector = owned(await startCollector({ edit }));
  const agent = owned(await createAgent({ ports: [collector.port], nmsKey: collector.publicKey }));
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  process.kill(agent.program.pid, 'SIGSTOP');
  const request = collector.command(['get-config', 'router1']);
  await collector.program.logged({ msg: 'device disconnected', code: 'CALLHOME_PEER_VANISHED' });
  expect(await request).toMatchObject({ status: 1, stderr: expect.stringContaining('has not answered') });
  process.kill(agent.program.pid, 'SIGCONT');
  await agent.program.logged({ msg: 'connected' }, 2);
});

test('the collector as a whole: devices that probe it drop it and come back, the others stay', async () => {
  const keepalives = (seconds: number) =>
    settings({ keepalives: { 'max-wait': seconds, 'max-attempts': 1 }, 'handshake-timeout': 4 });
  const collector = owned(await startCollector({ edit: keepalives(1) }));
  const relay = owned(await startRelay(collector.port));
  const probing = owned(
    await createAgent({ ports: [collector.port], nmsKey: collector.publicKey, edit: keepalives(1) }),
  );
  const patient = owned(
    await createAgent({ ports: [relay.port], nmsKey: collector.publicKey, edit: keepalives(3600) }),
  );
  for (const [id, agent] of Object.entries({ probing, patient })) {
    await collector.addDevice(id, agent.hostKey);
    await agent.start();
    await collector.connected(id);
  }
  process.kill(collector.program.pid, 'SIGSTOP');
  await probing.program.logged({ msg: 'disconnected', code: 'CALLHOME_PEER_VANISHED' });
  // The kernel takes the calls of a program that is stopped.
  await probing.program.logged({ msg: 'attempt failed', code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
  process.kill(collector.program.pid, 'SIGCONT');
  await probing.program.logged({ msg: 'connected' }, 2);
  // It has slept longer than its keep-alives wait, and still gives the peer the time of a probe.
  await relay.turn('nms');
  await relay.turn('nms');
  expect(collector.program.lines({ msg: 'device disconnected', device: 'patient' })).toEqual([]);
  expect(patient.program.lines({ msg: 'disconnected' })).toEqual([]);
});

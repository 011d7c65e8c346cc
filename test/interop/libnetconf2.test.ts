import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { freePort } from '../programs/free-port.js';
import { createOwner } from '../programs/owned.js';
import { startProgram } from '../programs/program.js';
import { commandBackend, settings } from '../programs/settings.js';
import { type Netconfd, startNetconfd } from './peers/netconfd.js';
import { requirePeers } from './peers/require-peers.js';
import { createKeyFile } from './peers/ssh-key.js';

const owned = createOwner();

/** libnetconf2 as NMS, and an agent that calls it: both end when `devices` calls have been served. */
async function serveCalls(devices: number, netconfd?: Netconfd) {
  const folder = await createFolder('libnetconf2');
  owned({ stop: () => removeFolder(folder) });
  const key = await createKeyFile(folder, 'nms');
  const program = path.join(folder, 'libnetconf2-nms');
  const source = fileURLToPath(new URL('peers/libnetconf2_nms.c', import.meta.url));
  await promisify(execFile)('gcc', ['-o', program, source, '-lnetconf2', '-lyang', '-lssh']);
  const port = await freePort();
  const user = netconfd?.subsystem.env['USER'] ?? 'callhome';
  const keys = [`${key.file}.pub`, key.file];
  const schemas = '/usr/share/yuma/modules/ietf';
  const lines: string[] = [];
  let listening: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    listening = resolve;
  });
  const nms = owned(
    await startProgram(program, [String(port), user, ...keys, schemas, String(devices)], {
      onLine(line) {
        lines.push(line);
        if (line === 'listening') listening();
      },
    }),
  );
  await nms.expect('a port', ready);
  const [subsystem = '', ...args] = netconfd?.subsystem.command ?? [];
  const backend = netconfd ? commandBackend(subsystem, args, 830) : { embedded: {} };
  const agent = owned(
    await createAgent({
      ports: [port],
      nmsKey: key.publicKey,
      user,
      edit: settings({ backend, 'session-linger': 1 }),
    }),
  );
  await agent.start();
  return { nms, agent, lines };
}

requirePeers(
  'libnetconf2',
  'libssh',
  'libc',
  'gcc',
  'netconfd',
)('our agent calls home to libnetconf2, which closes its sessions and leaves the connections open', () => {
  test('and calls again soon, for as many sessions as it wants', async () => {
    const { nms, agent, lines } = await serveCalls(3);
    expect(await nms.ended, nms.output()).toBe(0);
    expect(lines.filter((line) => line === 'replied')).toHaveLength(3);
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_SESSIONS_DONE' }, 2);
  });

  test('with netconfd behind it, too', async () => {
    const { nms, agent, lines } = await serveCalls(2, owned(await startNetconfd()));
    expect(await nms.ended, nms.output()).toBe(0);
    expect(lines.filter((line) => line === 'replied')).toHaveLength(2);
    await agent.program.logged({ msg: 'disconnected', code: 'CALLHOME_SESSIONS_DONE' });
  });
});

test('our collector, which keeps its own session, is not thrown out by the end of others', async () => {
  const collector = owned(await startCollector());
  const agent = owned(
    await createAgent({
      ports: [collector.port],
      nmsKey: collector.publicKey,
      edit: settings({ 'session-linger': 1 }),
    }),
  );
  await collector.addDevice('router1', agent.hostKey);
  await agent.start();
  await collector.connected('router1');
  const session = owned(await collector.netconf('router1'));
  const namespace = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
  session.write(
    `<hello ${namespace}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>`,
  );
  session.write(`<rpc ${namespace} message-id="1"><close-session/></rpc>]]>]]>`);
  expect(await session.ended).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect(await collector.command(['rpc', 'router1'], '<get/>')).toMatchObject({ status: 0 });
  expect((await collector.command(['devices', '--json'])).stdout).toContain('"connections": 1');
});

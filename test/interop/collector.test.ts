import { readFile } from 'node:fs/promises';
import { frameMessage } from '@callhome/shared/netconf/framing.js';
import { base10, base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { algorithms } from '@callhome/shared/ssh/algorithms.js';
import { expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { type CollectorProgram, startCollector } from '../programs/collector.js';
import { createOwner } from '../programs/owned.js';
import { commandBackend } from '../programs/settings.js';
import { interfaceConfig } from './interfaces.js';
import { startNetconfd } from './peers/netconfd.js';
import { requirePeers } from './peers/require-peers.js';
import { startSshdDevice } from './peers/sshd-device.js';

const owned = createOwner();
const endOfMessage = ']]>]]>';
const namespace = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';

/** Edits the candidate, commits, subscribes in a session of its own, and hears of a second commit. */
async function manage(collector: CollectorProgram, device: string): Promise<void> {
  const rpc = async (operation: string) => {
    const { status, stdout, stderr } = await collector.command(['rpc', device], operation);
    expect(stderr).toBe('');
    expect(status, stdout).toBe(0);
    return stdout;
  };
  const edit = (name: string) =>
    `<edit-config><target><candidate/></target>${interfaceConfig(name)}</edit-config>`;
  expect(await rpc(edit('uplink'))).toContain('<ok/>');
  expect((await collector.command(['get-config', device])).stdout).not.toContain('uplink');
  expect((await collector.command(['get-config', device, '--source', 'candidate'])).stdout).toContain(
    'uplink',
  );
  expect(await rpc('<commit/>')).toContain('<ok/>');
  expect((await collector.command(['get-config', device])).stdout).toContain('<name>uplink</name>');

  const request = (id: number, operation: string) =>
    `<rpc ${namespace} message-id="${id}">${operation}</rpc>${endOfMessage}`;
  const session = owned(await collector.netconf(device));
  session.write(
    `<hello ${namespace}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>${endOfMessage}`,
  );
  // netconfd loses what follows the hello in one segment.
  await session.until('</hello>');
  session.write(request(1, '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'));
  await session.until('<ok/>');
  await rpc(edit('downlink'));
  await rpc('<commit/>');
  await session.until('netconf-config-change');
  session.write(request(2, '<close-session/>'));
  expect(await session.ended).toBe(0);
}

requirePeers(
  'sshd',
  'netconfd',
  'socat',
)('OpenSSH with netconfd calls home to the collector', () => {
  test('which reads, edits, commits, and hears of it', async () => {
    const collector = owned(await startCollector());
    const netconfd = owned(await startNetconfd());
    const device = owned(await startSshdDevice(collector.publicKey, netconfd.subsystem));
    await collector.addDevice('router1', device.hostKey, device.user);
    await device.callHome(collector.port);
    await collector.connected('router1');
    await manage(collector, 'router1');
  });

  test('and is dropped when nobody knows it: no user name, key or signature reaches it', async () => {
    const collector = owned(await startCollector());
    const netconfd = owned(await startNetconfd());
    const device = owned(await startSshdDevice(collector.publicKey, netconfd.subsystem));
    const call = await device.callHome(collector.port);
    await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_HOST_KEY_UNKNOWN' });
    await call.ended;
    expect(call.output()).toMatch(/Received disconnect|Connection (closed|reset)/);
    // sshd tells of every request to log in with the user's name.
    expect(call.output()).toContain('[preauth]');
    expect(call.output()).not.toMatch(/for (invalid user )?(root|callhome)|userauth_request|Accepted|Failed/);
  });

  test('and refuses the collector when its key is not let in: both say so', async () => {
    const collector = owned(await startCollector());
    const other = owned(await startCollector());
    const netconfd = owned(await startNetconfd());
    const device = owned(await startSshdDevice(other.publicKey, netconfd.subsystem));
    await collector.addDevice('router1', device.hostKey, device.user);
    const call = await device.callHome(collector.port);
    await collector.program.logged({ msg: 'call failed', code: 'CALLHOME_AUTHENTICATION_FAILED' });
    await call.ended;
    expect(call.output()).toMatch(/authenticating user|Failed publickey/);
  });
});

requirePeers('sshd', 'socat')('OpenSSH that knows old algorithms alone calls home to the collector', () => {
  test('which tells what both offer', async () => {
    const collector = owned(await startCollector());
    const settings = [
      'KexAlgorithms diffie-hellman-group14-sha1',
      'Ciphers aes128-ctr,aes128-cbc',
      'MACs hmac-sha1',
    ];
    const device = owned(
      await startSshdDevice(collector.publicKey, { command: ['/bin/cat'], env: {} }, settings),
    );
    await collector.addDevice('router1', device.hostKey, device.user);
    await device.callHome(collector.port);
    const failed = collector.program.logged({ msg: 'call failed', code: 'CALLHOME_NO_COMMON_ALGORITHM' });
    expect((await failed)['reason']).toBe(
      'the ends have no SSH algorithm in common: key exchange: the peer offers diffie-hellman-group14-sha1, this end ' +
        `${algorithms.kex.join(', ')}; MAC to the device and MAC from the device: the peer offers hmac-sha1, this end ` +
        `${algorithms.hmac.join(', ')}. Let the peer offer one of this end's`,
    );
  });
});

requirePeers('netconfd')('our agent with netconfd behind it calls home to the collector', () => {
  /** Both, connected. */
  async function connect(): Promise<CollectorProgram> {
    const collector = owned(await startCollector());
    const netconfd = owned(await startNetconfd());
    const user = netconfd.subsystem.env['USER'] ?? '';
    const [program = '', ...args] = netconfd.subsystem.command;
    const backend = commandBackend(program, args, 830);
    const agent = owned(
      await createAgent({
        ports: [collector.port],
        nmsKey: collector.publicKey,
        user,
        edit: (text) => text.replace('"embedded": {}', JSON.stringify(backend).slice(1, -1)),
      }),
    );
    await collector.addDevice('router1', agent.hostKey, user);
    await agent.start();
    await collector.connected('router1');
    return collector;
  }

  test('which reads, edits, commits, and hears of it', async () => {
    await manage(await connect(), 'router1');
  });

  const get = '<get-config><source><running/></source></get-config>';
  const sessionOf = (base: string, operations: readonly string[]) =>
    [
      `${helloMessage({ capabilities: [base] })}${endOfMessage}`,
      ...operations.map((operation, id) =>
        frameMessage(
          `<rpc ${namespace} message-id="${id}">${operation}</rpc>`,
          base === base11 ? 'chunked' : 'end-of-message',
        ),
      ),
    ].join('');

  test('which passes a whole session from a file, and all that netconfd answers', async () => {
    const collector = await connect();
    const readme = await readFile('README.md', 'utf8');
    const example = /\n\$ cat session.txt\n(.*?)\$ callhome-nms netconf router1 < session.txt\n/s.exec(
      readme,
    )?.[1];
    const sessions: [string, string[]][] = [
      [base10, [get, get, '<discard-changes/>']],
      [base11, [get]],
      [base11, [get, get, '<close-session/>']],
    ];
    const inputs: [string, number][] = [
      [example ?? '', 2],
      ...sessions.map(([base, operations]): [string, number] => [
        sessionOf(base, operations),
        operations.length,
      ]),
    ];
    const all = inputs.map(async ([session, replies]) => {
      const { status, stdout, stderr } = await collector.command(['netconf', 'router1'], session);
      expect({ status, stderr }, session).toEqual({ status: 0, stderr: '' });
      expect(stdout.match(/<rpc-reply\s[^>]*message-id="/g), session).toHaveLength(replies);
    });
    await Promise.all(all);
  });

  test('which passes a session that begins long after the hello of netconfd', async () => {
    const session = owned(await (await connect()).netconf('router1'));
    await session.until('</hello>');
    session.write(sessionOf(base11, [get, '<close-session/>']));
    await session.until('</data>');
    expect(await session.ended).toBe(0);
  });
});

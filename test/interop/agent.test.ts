import { expect, test } from 'vitest';
import { type AgentProgram, createAgent } from '../programs/agent.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { createOwner } from '../programs/owned.js';
import { commandBackend, settings } from '../programs/settings.js';
import { interfaceConfig } from './interfaces.js';
import { startAsyncsshNms } from './peers/asyncssh.js';
import { startNcclientNms } from './peers/ncclient-nms.js';
import { type Netconfd, startNetconfd } from './peers/netconfd.js';
import type { NmsProgram } from './peers/nms-program.js';
import { startOpensshClientNms } from './peers/openssh-client-nms.js';
import { requirePeers } from './peers/require-peers.js';
import { createKeyFile, type KeyFile } from './peers/ssh-key.js';

const owned = createOwner();
const endOfMessage = ']]>]]>';
const periodic = settings({ 'connection-type': { periodic: { period: 65535 } } });
const namespace = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';

async function createKey(kind?: readonly string[]): Promise<KeyFile> {
  const folder = await createFolder('keys');
  owned({ stop: () => removeFolder(folder) });
  return createKeyFile(folder, 'nms', kind);
}

/** An agent that calls the management system at `port`, whose port must be known before its host key is: so it is configured twice. */
async function createCaller(
  key: KeyFile,
  netconfd?: Netconfd,
): Promise<{ agent: AgentProgram; call(port: number): Promise<void> }> {
  let edit = (text: string) => text;
  if (netconfd) {
    const [program = '', ...args] = netconfd.subsystem.command;
    const backend = commandBackend(program, args, 830);
    edit = (text) => text.replace('"embedded": {}', JSON.stringify(backend).slice(1, -1));
  }
  const user = netconfd?.subsystem.env['USER'] ?? 'callhome';
  const agent = owned(await createAgent({ ports: [4334], nmsKey: key.publicKey, user, edit }));
  return {
    agent,
    async call(port) {
      await agent.edit((text) => text.replace('"remote-port": 4334', `"remote-port": ${port}`));
      await agent.start();
    },
  };
}

/** Says hello, asks and closes the session, upon which the NMS ends. */
async function useSession(nms: NmsProgram): Promise<void> {
  let text = '';
  nms.session.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  nms.session.write(
    `<hello ${namespace}><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>${endOfMessage}`,
  );
  nms.session.write(`<rpc ${namespace} message-id="1"><get/></rpc>${endOfMessage}`);
  nms.session.write(`<rpc ${namespace} message-id="2"><close-session/></rpc>${endOfMessage}`);
  expect(await nms.ended, nms.output()).toBe(0);
  expect(text).toContain('<session-id>1</session-id>');
  expect(text).toContain('<remote-address>127.0.0.1</remote-address>');
  expect(text).toContain('<ok/>');
}

requirePeers('netconfd', 'ncclient')('our agent with netconfd behind it calls home to ncclient', () => {
  test('which reads, edits, commits, and hears of it', async () => {
    const key = await createKey();
    const netconfd = owned(await startNetconfd());
    const { agent, call } = await createCaller(key, netconfd);
    const user = netconfd.subsystem.env['USER'] ?? '';
    const nms = owned(
      await startNcclientNms({
        user,
        keyFile: key.file,
        hostKey: agent.hostKey,
        edit: interfaceConfig('uplink'),
      }),
    );
    await agent.edit(periodic);
    await call(nms.port);
    expect(await nms.outcome(), agent.program.output()).toMatchObject({
      event: 'done',
      capabilities: expect.arrayContaining(['urn:ietf:params:netconf:capability:candidate:1.0']),
      running: expect.stringContaining('<name>uplink</name>'),
      notification: expect.stringContaining('netconf-config-change'),
    });
    // it closes its session, and then the connection without a word
    await agent.program.logged({ msg: 'next connection due' });
  });
});

requirePeers('asyncssh')('our agent calls home to asyncssh', () => {
  test('which has an RSA key, and exchanges keys again', async () => {
    const key = await createKey(['-t', 'rsa']);
    const { agent, call } = await createCaller(key);
    const nms = owned(
      await startAsyncsshNms({
        user: 'callhome',
        keyFile: key.file,
        hostKey: agent.hostKey,
        rekeyBytes: 100,
      }),
    );
    await agent.edit(periodic);
    await call(nms.port);
    await useSession(nms);
    expect(nms.output().match(/Completed key exchange/g)?.length).toBeGreaterThan(1);
    await agent.program.logged({ msg: 'next connection due' });
  });
});

requirePeers('ssh')('our agent calls home to the OpenSSH client', () => {
  test('which opens a NETCONF session, and ends it with exit status 0', async () => {
    const key = await createKey();
    const { agent, call } = await createCaller(key);
    const nms = owned(
      await startOpensshClientNms({ user: 'callhome', keyFile: key.file, hostKey: agent.hostKey }),
    );
    await agent.edit(periodic);
    await call(nms.port);
    await useSession(nms);
    await agent.program.logged({ msg: 'next connection due' });
  });

  test('which is refused when its key is not one of the user’s: both say so', async () => {
    const key = await createKey();
    const other = await createKey();
    const { agent, call } = await createCaller(key);
    const nms = owned(
      await startOpensshClientNms({ user: 'callhome', keyFile: other.file, hostKey: agent.hostKey }),
    );
    nms.session.resume();
    await call(nms.port);
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain('Permission denied (publickey)');
    await agent.program.logged({ msg: 'attempt failed', code: 'CALLHOME_AUTHENTICATION_FAILED' });
  });

  test('which refuses it when its host key is another: both say so', async () => {
    const key = await createKey();
    const { agent, call } = await createCaller(key);
    const nms = owned(
      await startOpensshClientNms({ user: 'callhome', keyFile: key.file, hostKey: key.publicKey }),
    );
    nms.session.resume();
    await call(nms.port);
    expect(await nms.ended).toBe(255);
    expect(nms.output()).toContain('Host key verification failed');
    await agent.program.logged({ msg: 'attempt failed' });
  });
});

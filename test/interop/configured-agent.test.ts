import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createAgent } from '../programs/agent.js';
import { startCollector } from '../programs/collector.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { node, type Runner } from '../programs/logged-program.js';
import { createOwner } from '../programs/owned.js';
import { settings } from '../programs/settings.js';
import { startOpensshClientNms } from './peers/openssh-client-nms.js';
import { requirePeers } from './peers/require-peers.js';
import { startMicrosocks } from './peers/socks-proxies.js';
import { createKeyFile } from './peers/ssh-key.js';

const owned = createOwner();
const password = 'swordfish-27182';
const endOfMessage = ']]>]]>';
/** All that there is to log. */
const talkative: Runner = ['/usr/bin/env', 'CALLHOME_LOG_LEVEL=trace', ...node];

requirePeers('microsocks')('an agent that is configured to call through a proxy', () => {
  test('does so, and tells nobody the password', async () => {
    const proxy = owned(await startMicrosocks('router', password));
    const collector = owned(await startCollector());
    const agent = owned(
      await createAgent({
        ports: [collector.port],
        nmsKey: collector.publicKey,
        runner: talkative,
        edit: (text) => {
          const data = JSON.parse(text);
          const [client] = data['ietf-netconf-server:netconf-server']['call-home']['netconf-client'];
          client['reconnect-strategy']['start-with'] = 'random-selection';
          client.endpoints.endpoint[0].ssh['tcp-client-parameters']['proxy-server'] = {
            'socks5-parameters': {
              'remote-address': '127.0.0.1',
              'remote-port': proxy.port,
              'authentication-parameters': {
                'username-password': { username: 'router', 'cleartext-password': password },
              },
            },
          };
          return JSON.stringify(data);
        },
      }),
    );
    await collector.addDevice('router1', agent.hostKey);
    await agent.start();
    await collector.connected('router1');
    expect(proxy.output()).toContain(`connected to 127.0.0.1:${collector.port}`);
    const { stdout: config } = await collector.command(['get-config', 'router1']);
    expect(config).toContain('<username>router</username>');
    expect(config).not.toContain(password);
    await agent.program.stop();
    expect(JSON.stringify(agent.program.lines({}))).not.toContain(password);
  });
});

requirePeers('ssh', 'openssl')('an agent that is configured with a password besides the key', () => {
  describe.each([
    ['lets in who has both', password, 0],
    ['refuses who has the key alone', undefined, 255],
    ['refuses a wrong password', 'guess', 255],
  ] as const)('%s', (_what, given, status) => {
    test('and tells nobody the password or its hash', async () => {
      const folder = await createFolder('keys');
      owned({ stop: () => removeFolder(folder) });
      const key = await createKeyFile(folder, 'nms');
      const hash = execFileSync('/usr/bin/openssl', ['passwd', '-6', '-stdin'], { input: password })
        .toString()
        .trim();
      const agent = owned(
        await createAgent({
          ports: [1],
          nmsKey: key.publicKey,
          runner: talkative,
          edit: (text) =>
            text.replace('"public-keys":', `"password": { "hashed-password": "${hash}" }, "public-keys":`),
        }),
      );
      const nms = owned(
        await startOpensshClientNms({
          user: 'callhome',
          keyFile: key.file,
          hostKey: agent.hostKey,
          ...(given !== undefined && { password: given }),
        }),
      );
      await agent.edit(settings({ 'remote-port': nms.port }));
      nms.session.resume();
      nms.session.write(
        `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>${endOfMessage}`,
      );
      nms.session.write(
        `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><close-session/></rpc>${endOfMessage}`,
      );
      await agent.start();
      expect(await nms.ended, nms.output()).toBe(status);
      await agent.program.logged(
        status === 0
          ? { msg: 'connected' }
          : { code: 'CALLHOME_AUTHENTICATION_FAILED', msg: 'attempt failed' },
      );
      await agent.program.stop();
      const log = JSON.stringify(agent.program.lines({}));
      expect(log).not.toContain(password);
      expect(log).not.toContain(hash);
    });
  });
});

import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { newNmsDocument } from '@callhome/shared/config/nms-config.js';
import { matchesCryptHash } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../programs/command.js';
import { createFolder, removeFolder } from '../../programs/folder.js';

const password = 'correct horse';
const key = generateKeyPair();
const agent = JSON.stringify(
  newAgentDocument({
    endpoints: [{ address: '192.0.2.1', port: 4334 }],
    hostKey: key,
    user: 'callhome',
    userKeys: [key.publicKey],
  }),
).replace('"nms-1","ssh"', '"192.0.2.1","ssh"');
const withPassword = (hash: string) =>
  agent.replace('"public-keys":{', `"password":{"hashed-password":"${hash}"},"public-keys":{`);
const hashPath =
  "/ietf-netconf-server:netconf-server/call-home/netconf-client[name='nms']/endpoints/endpoint[name='192.0.2.1']/ssh/ssh-server-parameters/client-authentication/users/user[name='callhome']/password/hashed-password";

let folder = '';
beforeAll(async () => {
  folder = await createFolder('convert');
});
afterAll(() => removeFolder(folder));

const convert = (input: string, ...args: string[]) => runCommand('agent', ['convert', '-', ...args], input);

describe('convert', () => {
  it('writes the hash of a password in clear text, in JSON and XML, and check is content with it', async () => {
    for (const to of ['json', 'xml']) {
      const { status, stdout, stderr } = await convert(withPassword(`$0$${password}`), '--to', to);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: `note: -: ${hashPath}: was in clear text, and is hashed now\n`,
      });
      expect(stdout).not.toContain(password);
      const hash = /\$6\$[^"<]*/.exec(stdout)?.[0] ?? '';
      expect(matchesCryptHash(password, hash)).toBe(true);
      const file = path.join(folder, `hashed.${to}`);
      await writeFile(file, stdout, { mode: 0o600 });
      const checked = await runCommand('agent', ['check', file]);
      expect(checked).toEqual({ status: 0, stdout: 'valid\n', stderr: '' });
    }
  });

  it('leaves a hash as it is', async () => {
    const hash = `$6$salt$${'a'.repeat(86)}`;
    const { stdout, stderr } = await convert(withPassword(hash), '--to', 'json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(withPassword(hash)));
  });

  it('refuses a password that cannot be hashed, and names its place', async () => {
    const { status, stdout, stderr } = await convert(withPassword('$0$'), '--to', 'xml');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(`callhome-agent: -: ${hashPath}: the password is empty\n`);
  });

  it('writes to a new file of mode 0600, and to standard output for -', async () => {
    const out = path.join(folder, 'new.json');
    expect(await convert(agent, '--to', 'json', '--out', out)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(JSON.parse(agent));
    const before = await readdir('.');
    const { stdout } = await convert(agent, '--to', 'json', '--out', '-');
    expect(stdout).toBe(await readFile(out, 'utf8'));
    expect(await readdir('.')).toEqual(before);
  });

  it('leaves an existing file alone', async () => {
    const out = path.join(folder, 'old.json');
    await writeFile(out, 'old');
    expect((await convert(agent, '--to', 'json', '--out', out)).status).toBe(1);
    expect(await readFile(out, 'utf8')).toBe('old');
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it("does not drop a collector's configuration on the way to Junos", async () => {
    const document = newNmsDocument({ identity: key, binds: [{ address: '::', port: 4334 }], apiPort: 8334 });
    const collector = JSON.stringify(document);
    const { status, stdout, stderr } = await convert(collector, '--to', 'junos');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      '-: /ietf-netconf-client:netconf-client: has no place in a Junos configuration',
      '-: /callhome-nms:nms: has no place in a Junos configuration',
      'Nothing was written, because this would be lost. --lossy goes on all the same.',
      '',
    ]);
  });

  it('names a thousand losses and counts the others', async () => {
    const application = `<application><name>a</name><servers><server><address>192.0.2.1</address><port>22</port></server></servers>${'<x/>'.repeat(1500)}</application>`;
    const draft = `<netconf xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-server"><call-home><applications>${application}</applications></call-home></netconf>`;
    const { status, stderr } = await convert(draft, '--to', 'json');
    const lines = stderr.trimEnd().split('\n');
    expect({ status, lines: lines.length }).toEqual({ status: 1, lines: 1002 });
    expect(lines.at(-2)).toMatch(/^-: and 50[0-9] more$/);
  });

  it('reads what is pasted from a Junos device, tells what the agent does not do yet, and writes it all the same', async () => {
    const curly =
      'client mist { device-id d; secret s; services netconf; oc-term.example.net { port 2200; retry 1000; } }';
    const lines = `set system services outbound-ssh client mist device-id d secret s services netconf
set system services outbound-ssh client mist oc-term.example.net port 2200 timeout 15 retry 1000`;
    const xml = `<rpc-reply><configuration><system><services><outbound-ssh><client><name>mist</name><device-id>d</device-id>
<secret>s</secret><services>netconf</services><servers><name>oc-term.example.net</name><port>2200</port>
<retry>1000</retry></servers></client></outbound-ssh></services></system></configuration></rpc-reply>`;
    for (const text of [curly, lines, xml]) {
      const pasted = `{master:0}\nadmin@ex1> show configuration\n${text}\n\n{master:0}\nadmin@ex1> `;
      const { status, stdout, stderr } = await convert(pasted, '--to', 'json');
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^note: line \d: client "mist": retry 1000 becomes 255: the model has 1 to 255$/m,
      );
      expect(stderr).toContain(
        "note: `callhome-agent run` would refuse it: -: /ietf-netconf-server:netconf-server/call-home/netconf-client[name='mist']/callhome-agent:outbound-ssh: ",
      );
      expect(
        JSON.parse(stdout)['ietf-netconf-server:netconf-server']['call-home']['netconf-client'],
      ).toMatchObject([
        {
          name: 'mist',
          'reconnect-strategy': { 'max-wait': 15, 'max-attempts': 255 },
          'callhome-agent:outbound-ssh': { 'device-id': 'd', secret: 's' },
        },
      ]);
    }
  });

  it.each(['', ' \n'])('says that %j is empty', async (text) => {
    const { status, stderr } = await convert(text, '--to', 'json');
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'callhome-agent: -: is empty\n' });
  });
});

describe('check', () => {
  it('warns of what is done otherwise than the file says, which is valid all the same', async () => {
    const file = path.join(folder, 'clear.json');
    await writeFile(file, withPassword(`$0$${password}`), { mode: 0o600 });
    expect(await runCommand('agent', ['check', file])).toEqual({
      status: 0,
      stdout: 'valid\n',
      stderr: `warning: ${file}: ${hashPath}: is in clear text: \`callhome-agent convert\` writes its hash\n`,
    });
    const schema = await runCommand('agent', ['check', '--schema-only', file]);
    expect(schema).toEqual({ status: 0, stdout: 'valid\n', stderr: '' });
  });
});

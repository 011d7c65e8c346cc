import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { CallhomeError } from '@callhome/shared/errors.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, token } from '../northbound/http/api.js';
import { type Asked, channelPair, type FakeDevice, fakeDevice } from '../northbound/http/fake-fleet.js';
import { ended, run, start } from './run.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKY5NtBg//nT00xR815AofvOhkNm1brCJZfTLhrSO83T';
const fingerprint = 'SHA256:e0B0cq1sXZz+13gpyzan8XvHU8k42SB1R+FeTcG/8Z8';

let api: TestApi;
let device: FakeDevice;
let where: string[];

beforeEach(async () => {
  api = await startTestApi();
  await writeFile(join(api.folder, 'url'), `${api.url}\n`);
  await writeFile(join(api.folder, 'token'), `${token}\n`);
  where = ['--state-dir', api.folder];
  await api.registry.add({ id: 'off', hostKeys: [], settings: { user: 'u' }, labels: {} });
  await api.registry.add({ id: 'on', hostKeys: [], settings: { user: 'u' }, labels: { site: 'a' } });
  device = fakeDevice();
  api.fleet.devices.set('on', device);
});
afterEach(() => api.stop());

function nextRequest(): Promise<Asked> {
  return new Promise((resolve) => {
    device.onRequest = resolve;
  });
}

/** Resolves once the request has been withdrawn. */
async function aborted({ options }: Asked): Promise<void> {
  const signal = options.signal ?? new EventTarget();
  if (!('aborted' in signal && signal.aborted)) await once(signal, 'abort');
}

describe('device', () => {
  test('add takes keys from standard input or a file, and prints what the device is known by', async () => {
    const args = ['device', 'add', 'new', '--user', 'netconf', '--label', 'a=b=c', '--label', 'd=', ...where];
    const added = await run([...args, '--host-key', '-'], `# its keys\n${key} root@new\n`);
    expect(added).toMatchObject({ status: 0, stderr: '' });
    expect(String(added.stdout)).toBe(`${fingerprint} ssh-ed25519\n`);
    expect(await api.registry.get('new')).toMatchObject({
      settings: { user: 'netconf' },
      labels: { a: 'b=c', d: '' },
    });
    const file = join(api.folder, 'other.pub');
    await writeFile(file, key);
    const again = await run(['device', 'add', 'other', '--host-key', file, ...where]);
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toBe(
      `callhome-nms: the host key ${fingerprint} belongs to the device "new" already\n`,
    );
  });

  test('add refuses a private key, and does not repeat it', async () => {
    const secret = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmU';
    const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----\n`;
    const { status, stderr } = await run(['device', 'add', 'new', '--host-key', '-', ...where], text);
    expect(status).toBe(1);
    expect(stderr).toContain('private key');
    expect(stderr).not.toContain(secret);
  });

  test('show and remove', async () => {
    const shown = await run(['device', 'show', 'on', '--json', ...where]);
    expect(JSON.parse(String(shown.stdout))).toMatchObject({ id: 'on', state: 'connected', sessionId: 42 });
    const rows = String((await run(['device', 'show', 'on', ...where])).stdout).split('\n');
    expect(rows).toEqual(
      expect.arrayContaining(['id\ton', 'state\tconnected', 'label\tsite=a', 'reason\t-']),
    );
    expect(await run(['device', 'remove', 'on', ...where])).toMatchObject({ status: 0 });
  });

  test.each([['device', 'show'], ['device', 'remove'], ['rpc'], ['get-config'], ['netconf']])(
    '%s %s of a device that is unknown is 3',
    async (...command) => {
      const { status, stdout, stderr } = await run([...command, 'nobody', ...where], '<get/>');
      expect({ status, stdout: String(stdout) }).toEqual({ status: 3, stdout: '' });
      expect(stderr).toContain('"nobody"');
    },
  );
});

test('status tells what the collector does, as rows and as an object', async () => {
  const { status, stdout } = await run(['status', ...where]);
  expect(status).toBe(0);
  expect(String(stdout).split('\n')).toEqual([
    'version\t1.2.3',
    'startedAt\t2026-01-02T03:04:05.000Z',
    'devices\t2',
    'connected\t1',
    'counter.accepted\t3',
    'counter.lost\t1',
    '',
  ]);
  const shown = await run(['status', '--json', ...where]);
  expect(JSON.parse(String(shown.stdout))).toMatchObject({ connected: 1, counters: { accepted: 3 } });
});

describe('devices', () => {
  test('are rows of tabs on a pipe, in which nothing of a peer breaks a line or steers a terminal', async () => {
    const holder = { owner: 'collector', connection: 1 };
    const facts = {
      transport: 'ssh' as const,
      remoteAddress: '192.0.2.1:1',
      hostKey: fingerprint,
      sessionId: 1,
      capabilities: [],
      connectedAt: '2026-01-01T00:00:00.000Z',
    };
    await api.registry.connected('off', holder, facts);
    await api.registry.disconnected('off', holder, facts, {
      at: '2026-01-02T00:00:00.000Z',
      code: 'CALLHOME_STOPPED',
      reason: 'bad\tthing\n\u001b[2Jx',
    });
    const { status, stdout } = await run(['devices', ...where]);
    expect(status).toBe(0);
    expect(String(stdout).split('\n')).toEqual([
      'off\tdisconnected\t2026-01-02T00:00:00.000Z\t192.0.2.1:1\t1\tlost: bad?thing?[2Jx',
      'on\tconnected\t-\t-\t0\t-',
      '',
    ]);
  });

  test('are an array with --json', async () => {
    const devices: unknown = JSON.parse(String((await run(['devices', '--json', ...where])).stdout));
    expect(devices).toMatchObject([{ id: 'off' }, { id: 'on' }]);
  });
});

test('a wrong token is 1, and the message names its file', async () => {
  const file = join(api.folder, 'wrong');
  await writeFile(file, 'b'.repeat(43));
  const { status, stderr } = await run(['devices', ...where, '--token-file', file]);
  expect(status).toBe(1);
  expect(stderr).toContain(file);
  expect(stderr).not.toContain('bbbb');
  // Refused before it is sent, whatever its size.
  const large = `<get>${' '.repeat(15_000_000)}</get>`;
  const refused = await run(['rpc', 'on', ...where, '--token-file', file], large);
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('refused the token') });
});

test('the token of the state folder goes to no other address', async () => {
  const { status, stderr } = await run(['devices', '--url', 'http://127.0.0.1:9']);
  expect(status).toBe(2);
  expect(stderr).toContain('--token-file');
});

test('input that is not UTF-8 is refused before it is sent', async () => {
  const { status, stderr } = await run(['rpc', 'on', ...where], Buffer.from('<get>\xff</get>', 'latin1'));
  expect(status).toBe(1);
  expect(stderr).toContain('cannot read standard input: it is not UTF-8');
});

test('something else that answers there is 1', async () => {
  const other = createServer((_request, response) => response.end('<html>'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { status, stderr } = await run(['devices', ...where, '--url', `http://127.0.0.1:${port}`]);
  expect(status).toBe(1);
  expect(stderr).toContain('no answer of the API');
  other.close();
});

describe('rpc', () => {
  test('takes the operation from standard input or a file and prints the reply alone', async () => {
    device.onRequest = (asked) =>
      asked.answer(`<rpc-reply>${asked.operation}${asked.options.timeoutMs}</rpc-reply>`);
    const piped = await run(['rpc', 'on', ...where], '<get/>');
    expect(piped).toMatchObject({ status: 0, stderr: '' });
    // How long a reply is waited for is the device's, where nothing is said.
    expect(String(piped.stdout)).toBe('<rpc-reply><get/>undefined</rpc-reply>');
    const file = join(api.folder, 'operation.xml');
    await writeFile(file, '<?xml version="1.0"?><commit/>');
    const read = await run(['rpc', 'on', file, '--timeout', '5', ...where]);
    expect(String(read.stdout)).toBe('<rpc-reply><commit/>5000</rpc-reply>');
  });

  test('is 4 when the device answers with an error, which is printed', async () => {
    device.onRequest = (asked) =>
      asked.answer('<rpc-reply><rpc-error/></rpc-reply>', [
        { type: 'rpc', tag: 'lock-denied', severity: 'error' },
      ]);
    const { status, stdout } = await run(['rpc', 'on', ...where], '<get/>');
    expect({ status, stdout: String(stdout) }).toEqual({
      status: 4,
      stdout: '<rpc-reply><rpc-error/></rpc-reply>',
    });
  });

  test('is 3 when the device is not connected', async () => {
    expect(await run(['rpc', 'off', ...where], '<get/>')).toMatchObject({ status: 3 });
  });

  test('is 1 when the reply is cut off', async () => {
    device.onRequest = (asked) => {
      asked.body.write('<rpc-reply>');
      setImmediate(() => asked.cut(new CallhomeError('CALLHOME_SESSION_CLOSED', { why: 'gone' })));
    };
    const { status, stderr } = await run(['rpc', 'on', ...where], '<get/>');
    expect(status).toBe(1);
    expect(stderr).toContain('was cut off');
  });

  test('is 2 for what is no operation, and 1 for a lock, which needs a session of its own', async () => {
    expect(await run(['rpc', 'on', ...where], 'get')).toMatchObject({ status: 2 });
    const lock = await run(['rpc', 'on', ...where], '<lock><target><running/></target></lock>');
    expect(lock.status).toBe(1);
    expect(lock.stderr).toContain('callhome-nms netconf on');
  });

  test('into a reader that has seen enough is no failure', async () => {
    const request = nextRequest();
    const child = start(['rpc', 'on', ...where]);
    child.stdin.end('<get/>');
    const asked = await request;
    const end = once(child, 'exit');
    asked.body.write(Buffer.alloc(8 << 20, 'x'));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await end).toEqual([0, null]);
    await aborted(asked);
  });

  test('ends at once on Ctrl-C, and the request with it', async () => {
    const request = nextRequest();
    const child = start(['rpc', 'on', ...where]);
    child.stdin.end('<get/>');
    const asked = await request;
    child.kill('SIGINT');
    expect((await ended(child)).status).toBe('SIGINT');
    await aborted(asked);
  });
});

describe('get-config', () => {
  test.each([
    [[], '', '<get-config><source><running/></source></get-config>'],
    [['--source', 'candidate'], '', '<get-config><source><candidate/></source></get-config>'],
    [
      ['--filter', '-'],
      '<?xml version="1.0"?>\n<interfaces xmlns="urn:x"/>',
      '<get-config><source><running/></source><filter type="subtree"><interfaces xmlns="urn:x"/></filter></get-config>',
    ],
    [
      ['--filter', '-'],
      '<filter type="subtree"><interfaces xmlns="urn:x"/></filter>',
      '<get-config><source><running/></source><filter type="subtree"><interfaces xmlns="urn:x"/></filter></get-config>',
    ],
    [
      ['--filter', '-'],
      '<!-- by hand -->\n<n:filter xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0"/>\n',
      '<get-config><source><running/></source><n:filter xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0"/></get-config>',
    ],
    // A node of the device's that has this name, several nodes, and none, which selects nothing.
    ...['<filter xmlns="urn:acl"/>', '<a xmlns="urn:a"/><b xmlns="urn:b"/>', ''].map(
      (content): [string[], string, string] => [
        ['--filter', '-'],
        content,
        `<get-config><source><running/></source><filter type="subtree">${content}</filter></get-config>`,
      ],
    ),
  ])('%j asks for what was asked for', async (args, input, operation) => {
    let asked = '';
    device.onRequest = (request) => {
      asked = request.operation;
      request.answer('<rpc-reply/>');
    };
    const { status, stdout } = await run(['get-config', 'on', ...args, ...where], input);
    expect({ status, stdout: String(stdout) }).toEqual({ status: 0, stdout: '<rpc-reply/>' });
    expect(asked).toBe(operation);
  });
});

describe('netconf', () => {
  test('passes every byte both ways and ends with the device', async () => {
    const [channel, far] = channelPair();
    device.onOpenSession = async () => channel;
    const bytes = randomBytes(1 << 20);
    // The device sends everything back, and ends when its input does.
    far.pipe(far);
    const { status, stdout, stderr } = await run(['netconf', 'on', ...where], bytes);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.equals(bytes)).toBe(true);
  });

  test('ends with the device although its own input is open', async () => {
    const [channel, far] = channelPair();
    device.onOpenSession = async () => channel;
    const child = start(['netconf', 'on', ...where]);
    far.end('<hello/>');
    const { status, stdout } = await ended(child);
    expect({ status, stdout: String(stdout) }).toEqual({ status: 0, stdout: '<hello/>' });
  });

  const hello = '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities/></hello>]]>]]>';
  const rpc = '<rpc message-id="1"><get/></rpc>]]>]]>\n';
  const reply = '<rpc-reply message-id="1"/>]]>]]>';

  /** A device that says hello as the first word comes, and nothing more by itself. */
  function listen() {
    const [channel, far] = channelPair();
    device.onOpenSession = async () => channel;
    let heard = '';
    let ended = false;
    far.on('data', (piece) => {
      heard += piece;
    });
    far.once('end', () => {
      ended = true;
    });
    const until = async (text: string) => {
      while (!heard.includes(text)) await once(far, 'data');
    };
    return { far, until, heard: () => heard, ended: () => ended };
  }

  test('of a file sends its requests after the hello of the device, and ends when they are answered', async () => {
    const { far, until, heard, ended: hasEnded } = listen();
    const running = run(['netconf', 'on', ...where], `${hello}\n${rpc}${rpc}`);
    await until('</hello>]]>]]>');
    await api.call('GET', '/v1/status');
    expect(heard()).toBe(hello);
    far.write(hello);
    await until(`\n${rpc}${rpc}`);
    far.write(`${reply}<notification/>]]>]]>`);
    await api.call('GET', '/v1/status');
    expect(hasEnded()).toBe(false);
    far.once('end', () => far.end());
    far.write(reply);
    const { status, stdout, stderr } = await running;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(String(stdout)).toBe(`${hello}${reply}<notification/>]]>]]>${reply}`);
  });

  test('is 1 when the device ends it before it has answered', async () => {
    const { far, until } = listen();
    const running = run(['netconf', 'on', ...where], `${hello}${rpc}${rpc}`);
    far.write(hello);
    await until(rpc);
    far.end(reply);
    expect(await running).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('ended the session with 1 of 2 requests unanswered'),
    });
  });

  test('is 1 when the input ends in the middle of a message', async () => {
    const { far, until } = listen();
    const running = run(['netconf', 'on', ...where], `${hello}${rpc}<rpc>`);
    far.write(hello);
    await until('<rpc>');
    far.once('end', () => far.end());
    far.write(reply);
    expect(await running).toMatchObject({
      status: 1,
      stderr: 'callhome-nms: cannot read standard input: it ends in the middle of a message\n',
    });
  });

  test('passes what is typed at once', async () => {
    const { far, until } = listen();
    const child = start(['netconf', 'on', ...where]);
    far.write(hello);
    await once(child.stdout, 'data');
    for (const piece of [hello, '<rpc message', '-id="1"/>', ']]>]]>']) {
      child.stdin.write(piece);
      await until(piece);
    }
    const end = ended(child);
    far.end(reply);
    expect(await end).toMatchObject({ status: 0, stderr: '' });
  });

  test('is 1 when the device is lost', async () => {
    const [channel, far] = channelPair();
    device.onOpenSession = async () => channel;
    const child = start(['netconf', 'on', ...where]);
    const end = ended(child);
    far.write('<hello');
    await once(child.stdout, 'data');
    channel.destroy();
    expect(await end).toMatchObject({ status: 1 });
  });
});

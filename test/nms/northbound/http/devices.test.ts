import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi } from './api.js';
import { fakeDevice } from './fake-fleet.js';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

function keyLine(): { line: string; fingerprint: string } {
  const type = Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1');
  const blob = Buffer.concat([type, randomBytes(32)]);
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=$/, '');
  return { line: `ssh-ed25519 ${blob.toString('base64')}`, fingerprint: `SHA256:${hash}` };
}

const body = (...lines: string[]) => JSON.stringify({ hostKeys: lines });

async function problem(response: Response): Promise<unknown> {
  expect(response.headers.get('content-type')).toBe('application/json');
  return Object.assign({ status: response.status }, await response.json());
}

test('a device is added, shown, listed and removed', async () => {
  const { line, fingerprint } = keyLine();
  const added = await api.call(
    'PUT',
    '/v1/devices/router-1',
    JSON.stringify({ hostKeys: [`${line} root@router`], user: 'netconf', labels: { site: 'Zürich' } }),
  );
  const expected = {
    id: 'router-1',
    state: 'disconnected',
    transport: null,
    remoteAddress: null,
    hostKey: null,
    user: 'netconf',
    sessionId: null,
    capabilities: null,
    capabilitiesDropped: 0,
    connectedAt: null,
    disconnectedAt: null,
    reason: null,
    lastAttempt: null,
    down: { kind: 'never-called', since: expect.any(String), at: null, code: null, reason: null },
    flapping: false,
    likelyClone: null,
    connections: 0,
    labels: { site: 'Zürich' },
    hostKeys: [
      {
        type: 'ssh-ed25519',
        blob: line.split(' ')[1],
        fingerprint,
        origin: 'added',
        learnedAt: expect.any(String),
        provedAt: null,
      },
    ],
    description: null,
    profile: 'default',
    settings: { user: 'netconf' },
  };
  expect(added.status).toBe(201);
  expect(await added.json()).toEqual(expected);
  expect(await (await api.call('GET', '/v1/devices/router-1')).json()).toEqual(expected);
  expect(await (await api.call('GET', '/v1/devices')).json()).toEqual([expected]);
  const removed = await api.call('DELETE', '/v1/devices/router-1');
  expect(removed.status).toBe(204);
  expect(await (await api.call('GET', '/v1/devices')).json()).toEqual([]);
});

test('what is live of a device outweighs what is kept', async () => {
  await api.call('PUT', '/v1/devices/a', body(keyLine().line));
  await api.registry.connected(
    'a',
    { owner: 'collector', connection: 1 },
    {
      transport: 'ssh',
      remoteAddress: '192.0.2.1:830',
      hostKey: 'SHA256:x',
      sessionId: 7,
      capabilities: ['old'],
      connectedAt: '2026-01-01T00:00:00.000Z',
    },
  );
  const show = async () => (await api.call('GET', '/v1/devices/a')).json();
  expect(await show()).toMatchObject({
    state: 'disconnected',
    sessionId: null,
    capabilities: ['old'],
    user: 'callhome',
  });
  api.fleet.devices.set('a', fakeDevice());
  expect(await show()).toMatchObject({
    state: 'connected',
    sessionId: 42,
    capabilities: ['urn:ietf:params:netconf:base:1.1'],
    remoteAddress: '192.0.2.1:830',
  });
  expect(await (await api.call('GET', '/v1/status')).json()).toEqual({
    version: '1.2.3',
    startedAt: '2026-01-02T03:04:05.000Z',
    devices: 1,
    connected: 1,
    counters: { accepted: 3, lost: 1 },
  });
});

test('a device without a user of its own has the one that the configuration names now', async () => {
  await api.call('PUT', '/v1/devices/a', body(keyLine().line));
  expect(await (await api.call('GET', '/v1/devices/a')).json()).toMatchObject({ user: 'callhome' });
  const later = await startTestApi({ registry: api.registry, defaultSettings: { user: 'netconf' } });
  expect(await (await later.call('GET', '/v1/devices/a')).json()).toMatchObject({ user: 'netconf' });
  const differing = await startTestApi({ registry: api.registry, defaultSettings: {} });
  expect(await (await differing.call('GET', '/v1/devices/a')).json()).toMatchObject({ user: null });
  await later.stop();
  await differing.stop();
});

test("the collector's own key is no device's", async () => {
  const { line } = keyLine();
  const own = await startTestApi({ ownKeys: [Buffer.from(line.split(' ')[1] ?? '', 'base64')] });
  expect(await problem(await own.call('PUT', '/v1/devices/a', body(keyLine().line, line)))).toMatchObject({
    status: 400,
    code: 'CALLHOME_KEY_INVALID',
    message: expect.stringMatching(/hostKeys\.1 .*the collector's own/),
  });
  await own.stop();
});

test('an RSA key of 1024 bits is refused', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const weak = publicKeyLine(publicKeyOf(privateKey, 'the key'), '');
  expect(await problem(await api.call('PUT', '/v1/devices/a', body(weak)))).toMatchObject({
    status: 400,
    code: 'CALLHOME_KEY_INVALID',
    message: expect.stringContaining('1024'),
  });
});

test('a conflict is 409 and says with what', async () => {
  const { line } = keyLine();
  await api.call('PUT', '/v1/devices/a', body(line));
  expect(await problem(await api.call('PUT', '/v1/devices/a', body(keyLine().line)))).toMatchObject({
    status: 409,
    code: 'CALLHOME_DEVICE_EXISTS',
  });
  expect(await problem(await api.call('PUT', '/v1/devices/b', body(line)))).toMatchObject({
    status: 409,
    code: 'CALLHOME_HOST_KEY_TAKEN',
    message: expect.stringContaining('"a"'),
  });
});

test('nobody of that name is 404', async () => {
  const unknown = { status: 404, code: 'CALLHOME_DEVICE_UNKNOWN' };
  expect(await problem(await api.call('GET', '/v1/devices/nobody'))).toMatchObject(unknown);
  expect(await problem(await api.call('DELETE', '/v1/devices/nobody'))).toMatchObject(unknown);
  expect(await problem(await api.call('POST', '/v1/devices/nobody/rpc', '<get/>'))).toMatchObject(unknown);
});

const line = keyLine().line;

test.each([
  ['no JSON', '{"hostKeys": [', 'CALLHOME_REQUEST_INVALID'],
  ['nothing', '', 'CALLHOME_REQUEST_INVALID'],
  ['no object', '[]', 'CALLHOME_REQUEST_INVALID'],
  ['no key', '{"hostKeys": []}', 'CALLHOME_REQUEST_INVALID'],
  ['an unknown member', JSON.stringify({ hostKeys: [line], usr: 'x' }), 'CALLHOME_REQUEST_INVALID'],
  ['an empty user', JSON.stringify({ hostKeys: [line], user: '' }), 'CALLHOME_REQUEST_INVALID'],
  [
    'a control character',
    JSON.stringify({ hostKeys: [line], labels: { a: 'x\u001b[2J' } }),
    'CALLHOME_REQUEST_INVALID',
  ],
  ['a key that is none', body('ssh-ed25519 AAAA'), 'CALLHOME_KEY_INVALID'],
  ['a private key', body('-----BEGIN OPENSSH PRIVATE KEY-----'), 'CALLHOME_KEY_INVALID'],
  // Its exponent and its modulus are empty.
  ['an RSA key of nothing', body('ssh-rsa AAAAB3NzaC1yc2EAAAAAAAAAAA=='), 'CALLHOME_KEY_INVALID'],
])('a body with %s is 400 and adds nothing', async (_what, text, code) => {
  expect(await problem(await api.call('PUT', '/v1/devices/a', text))).toMatchObject({ status: 400, code });
  expect(await api.registry.count()).toBe(0);
});

test.each([
  ['the name of a prototype', '{"__proto__": "b"}'],
  ['no name', '{"": "b"}'],
  ['no text', '{"a": {"b": "c"}}'],
  ['nothing', 'null'],
])('a label with %s is refused, not dropped', async (_what, labels) => {
  const text = `{"hostKeys": ["${line}"], "labels": ${labels}}`;
  expect(await problem(await api.call('PUT', '/v1/devices/a', text))).toMatchObject({
    status: 400,
    message: expect.stringContaining('body.labels'),
  });
  expect(await api.registry.count()).toBe(0);
});

test('a list of many devices is whole, and an empty one too', async () => {
  const list = async (): Promise<unknown> => (await api.call('GET', '/v1/devices')).json();
  expect(await list()).toEqual([]);
  const ids = Array.from({ length: 170 }, (_, i) => `device-${1000 + i}`);
  for (const id of ids) await api.registry.add({ id, hostKeys: [], settings: { user: 'u' }, labels: {} });
  expect(await list()).toMatchObject(ids.map((id) => ({ id })));
  expect(await (await api.call('GET', '/v1/status')).json()).toMatchObject({ devices: 170, connected: 0 });
});

test('a list is read from the registry no faster than its caller takes it', async () => {
  let read = 0;
  const many = await startTestApi({
    registry: {
      ...api.registry,
      async *list() {
        for (; read < 200; read++) {
          const labels = { a: 'x'.repeat(1 << 20) };
          yield {
            id: `d${read}`,
            hostKeys: [],
            settings: { user: 'u' },
            profileSettings: {},
            state: 'disconnected',
            connections: 0,
            labels,
          };
        }
      },
    },
  });
  const response = await many.call('GET', '/v1/devices');
  const reader = response.body?.getReader();
  await reader?.read();
  // What lies between the two ends is filled when a request that came later has its answer.
  for (let before = -1; before !== read; ) {
    before = read;
    await many.call('GET', '/v1/status');
  }
  expect(read).toBeLessThan(200);
  await reader?.cancel();
  await many.stop();
});

test('a list that breaks off is cut, never ended as if it were whole', async () => {
  const failing = await startTestApi({
    registry: {
      ...api.registry,
      async *list() {
        yield {
          id: 'a',
          hostKeys: [],
          settings: { user: 'u' },
          profileSettings: {},
          labels: { a: 'x'.repeat(100_000) },
          state: 'disconnected',
          connections: 0,
        };
        throw new TypeError('deep inside');
      },
    },
  });
  const answer = failing.call('GET', '/v1/devices').then((response) => response.text());
  await expect(answer).rejects.toThrow();
  await failing.stop();
});

test.each(['a b', 'ä', '-x', '.', '..', 'a/b', '', 'a\u0000', 'x'.repeat(256)])(
  '%j is no device id',
  async (id) => {
    // Sent by hand: a URL would swallow the dots.
    const encoded = [...Buffer.from(id)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
    const response = await api.call('PUT', `/v1/devices/${encoded}`, body(keyLine().line));
    expect([400, 404, 405]).toContain(response.status);
    expect(await api.registry.count()).toBe(0);
  },
);

test.each(['router1', '_', 'urn:x#1?%2F', 'a..b', 'x'.repeat(255)])('%j is a device id', async (id) => {
  const path = `/v1/devices/${encodeURIComponent(id)}`;
  expect((await api.call('PUT', path, body(keyLine().line))).status).toBe(201);
  expect(await (await api.call('GET', path)).json()).toMatchObject({ id });
});

test('a failing registry is an answer, and its cause is in the log alone', async () => {
  const failing = await startTestApi({
    registry: {
      ...api.registry,
      list: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new TypeError('deep inside')) }),
      }),
    },
  });
  const answer = await problem(await failing.call('GET', '/v1/devices'));
  expect(answer).toMatchObject({ status: 500, code: 'CALLHOME_INTERNAL' });
  expect(JSON.stringify(answer)).not.toContain('deep inside');
  expect(failing.logged.join()).toContain('deep inside');
  await failing.stop();
});

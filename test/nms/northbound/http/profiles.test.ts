import { defaultSettings } from '@callhome/nms/default-settings.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestApi, type TestApi } from './api.js';
import { fakeDevice } from './fake-fleet.js';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi({ defaultSettings: { user: 'callhome', keepaliveMaxWaitSeconds: 30 } });
});
afterEach(() => api.stop());

/** The status and the body of an answer. */
async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const response = await api.call(method, path, text);
  const answer = await response.text();
  return [response.status, answer === '' ? undefined : JSON.parse(answer)];
}

const problem = (status: number, code: string, message: RegExp = /./) => [
  status,
  { code, message: expect.stringMatching(message) },
];

const messages = () => api.logged.map((line): unknown => JSON.parse(line));

const addDevice = (id: string, profile?: string) =>
  api.registry.add({ id, hostKeys: [], labels: {}, profile });

test('a profile is added, shown, listed, changed and removed, and each is told', async () => {
  const core = { name: 'core', settings: { user: 'netconf', maxSessions: 2 }, devices: 0 };
  expect(await ask('PUT', '/v1/profiles/core', { settings: core.settings })).toEqual([201, core]);
  expect(await ask('GET', '/v1/profiles/core')).toEqual([200, core]);
  await addDevice('a', 'core');
  await addDevice('b');
  const change = { settings: { user: null, replyTimeoutSeconds: 300 } };
  const changed = { name: 'core', settings: { maxSessions: 2, replyTimeoutSeconds: 300 }, devices: 1 };
  expect(await ask('PATCH', '/v1/profiles/core', change)).toEqual([200, changed]);
  const usual = { name: 'default', settings: { user: 'callhome', keepaliveMaxWaitSeconds: 30 }, devices: 1 };
  expect(await ask('GET', '/v1/profiles')).toEqual([200, [usual, changed]]);
  expect(await ask('DELETE', '/v1/profiles/core')).toEqual(
    problem(409, 'CALLHOME_PROFILE_IN_USE', /"core".* as 1 do/),
  );
  await api.registry.remove('a');
  expect(await ask('DELETE', '/v1/profiles/core')).toEqual([204, undefined]);
  expect(await ask('GET', '/v1/profiles')).toEqual([200, [usual]]);
  const told = (msg: string) => expect.objectContaining({ msg, profile: 'core' });
  expect(messages().slice(1)).toEqual([
    told('profile added'),
    told('profile changed'),
    told('profile removed'),
  ]);
});

test('a profile that is there is not added again, and one that is not is 404', async () => {
  await ask('PUT', '/v1/profiles/core', { settings: { user: 'netconf' } });
  expect(await ask('PUT', '/v1/profiles/core', { settings: {} })).toEqual(
    problem(409, 'CALLHOME_PROFILE_EXISTS', /profile set/),
  );
  const unknown = problem(404, 'CALLHOME_PROFILE_UNKNOWN', /"nope"/);
  expect(await ask('GET', '/v1/profiles/nope')).toEqual(unknown);
  expect(await ask('PATCH', '/v1/profiles/nope', { settings: { user: 'x' } })).toEqual(unknown);
  expect(await ask('DELETE', '/v1/profiles/nope')).toEqual(unknown);
  expect(await ask('GET', '/v1/profiles/core')).toMatchObject([200, { settings: { user: 'netconf' } }]);
});

test('the profile `default` is shown, and is not to be changed', async () => {
  await addDevice('a');
  expect(await ask('GET', '/v1/profiles/default')).toEqual([
    200,
    { name: 'default', settings: { user: 'callhome', keepaliveMaxWaitSeconds: 30 }, devices: 1 },
  ]);
  const fixed = problem(409, 'CALLHOME_PROFILE_FIXED', /"default" is made of the configuration/);
  expect(await ask('PUT', '/v1/profiles/default', { settings: {} })).toEqual(fixed);
  expect(await ask('PATCH', '/v1/profiles/default', { settings: { user: 'x' } })).toEqual(fixed);
  expect(await ask('DELETE', '/v1/profiles/default')).toEqual(fixed);
});

test('the profile `default` has the settings in which the listeners agree', () => {
  const listener = {
    name: 'a',
    transport: 'ssh' as const,
    binds: [],
    tcpKeepaliveSeconds: undefined,
    identity: generateKeyPair(),
    user: 'callhome',
    keepalive: { maxWaitSeconds: 30, maxAttempts: 3 },
  };
  const all = { user: 'callhome', keepaliveMaxWaitSeconds: 30, keepaliveMaxAttempts: 3 };
  expect(defaultSettings([listener])).toEqual(all);
  const other = { ...listener, user: 'netconf', keepalive: { maxWaitSeconds: 10, maxAttempts: 3 } };
  expect(defaultSettings([listener, other])).toEqual({ keepaliveMaxAttempts: 3 });
  expect(defaultSettings([listener, { ...listener, keepalive: undefined }])).toEqual({ user: 'callhome' });
  expect(defaultSettings([{ ...listener, keepalive: undefined }])).toEqual({ user: 'callhome' });
});

test.each([
  ['an unknown setting', { settings: { usr: 'x' } }, /body\.settings.*"usr"/],
  ['no user', { settings: { user: '' } }, /body\.settings\.user: must be 1 to 255 characters/],
  ['a user that steers a terminal', { settings: { user: 'a\u001b[2J' } }, /body\.settings\.user/],
  ['no sessions', { settings: { maxSessions: 0 } }, /maxSessions: must be a whole number from 1 to 1000/],
  [
    'half a second',
    { settings: { replyTimeoutSeconds: 0.5 } },
    /replyTimeoutSeconds: must be a whole number of seconds from 1 to 86400/,
  ],
  ['too many probes', { settings: { keepaliveMaxAttempts: 256 } }, /keepaliveMaxAttempts/],
  ['a text for a number', { settings: { keepaliveMaxWaitSeconds: '10' } }, /keepaliveMaxWaitSeconds/],
  ['a name', { name: 'core', settings: {} }, /"name"/],
  ['no JSON', '{', /body/],
])(
  'a profile with %s is 400, names the setting, and adds or changes nothing',
  async (_what, body, message) => {
    const invalid = problem(400, 'CALLHOME_REQUEST_INVALID', message);
    expect(await ask('PUT', '/v1/profiles/new', body)).toEqual(invalid);
    await ask('PUT', '/v1/profiles/core', { settings: { user: 'netconf' } });
    expect(await ask('PATCH', '/v1/profiles/core', body)).toEqual(invalid);
    expect(await api.registry.profiles.list()).toEqual([
      { name: 'core', settings: { user: 'netconf' }, devices: 0 },
    ]);
  },
);

test.each(['-x', 'a b', '.x', 'ä', 'x'.repeat(64)])('%j is no name of a profile', async (name) => {
  const path = `/v1/profiles/${encodeURIComponent(name)}`;
  expect(await ask('PUT', path, { settings: {} })).toEqual(
    problem(400, 'CALLHOME_REQUEST_INVALID', /profile: must be/),
  );
});

test('a change with ?reconnect=true ends the connections of those devices that have the profile', async () => {
  await ask('PUT', '/v1/profiles/core', { settings: {} });
  await ask('PUT', '/v1/profiles/access', { settings: {} });
  for (const id of ['a', 'b']) await addDevice(id, 'core');
  await addDevice('c', 'access');
  await addDevice('d');
  for (const id of ['a', 'b', 'c', 'd']) api.fleet.devices.set(id, fakeDevice());
  await ask('PATCH', '/v1/profiles/core', { settings: { user: 'x' } });
  await ask('PATCH', '/v1/profiles/core?reconnect=false', { settings: { user: 'y' } });
  expect(api.fleet.ended).toEqual([]);
  expect(await ask('PATCH', '/v1/profiles/core?reconnect=true', { settings: { user: 'z' } })).toMatchObject([
    200,
    { settings: { user: 'z' } },
  ]);
  const message = 'the profile "core" was changed, which takes effect at the device\'s next call';
  const reason = expect.objectContaining({ code: 'CALLHOME_DEVICE_CHANGED', message });
  expect(api.fleet.ended).toEqual([
    { device: 'a', reason },
    { device: 'b', reason },
  ]);
  expect(await ask('PATCH', '/v1/profiles/core?reconnect=now', {})).toEqual(
    problem(400, 'CALLHOME_REQUEST_INVALID', /query\.reconnect/),
  );
});

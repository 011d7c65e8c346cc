import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint, publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startTestApi, type TestApi } from './api.js';
import { fakeDevice } from './fake-fleet.js';

function newKey() {
  const { publicKey } = generateKeyPair();
  return {
    line: publicKeyLine(publicKey, ''),
    blob: publicKey.blob,
    fingerprint: fingerprint(publicKey.blob),
  };
}

const [first, second] = [newKey(), newKey()];

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  await api.registry.profiles.add('core', { user: 'of-profile' });
  await ask('PUT', '/v1/devices/a', { hostKeys: [first.line], labels: { site: 'x' }, description: 'rack 7' });
});
afterEach(() => api.stop());

/** The status and the body of an answer. */
async function ask(method: string, path: string, body?: unknown): Promise<[number, Record<string, unknown>]> {
  const response = await api.call(method, path, body === undefined ? undefined : JSON.stringify(body));
  return [response.status, z.record(z.string(), z.unknown()).parse(await response.json())];
}

const problem = (status: number, code: string, message: RegExp = /./) => [
  status,
  { code, message: expect.stringMatching(message) },
];

/** What was logged of devices since they were added. */
const told = () =>
  api.logged.flatMap((line) => {
    const { device, to, msg } = JSON.parse(line);
    return device === undefined || msg === 'device added' ? [] : [{ device, to, msg }];
  });

describe('a new device', () => {
  test('has the profile, the description and the settings that are said', async () => {
    const said = { profile: 'core', description: 'rack 8', settings: { maxSessions: 1 } };
    expect(await ask('PUT', '/v1/devices/b', { hostKeys: [second.line], ...said })).toMatchObject([
      201,
      { ...said, user: 'of-profile' },
    ]);
  });

  test('has one user', async () => {
    const said = { hostKeys: [second.line], user: 'x', settings: { user: 'y' } };
    expect(await ask('PUT', '/v1/devices/b', said)).toEqual(
      problem(400, 'CALLHOME_REQUEST_INVALID', /body\.user: is said twice/),
    );
  });

  test('of a profile that there is not is refused', async () => {
    expect(await ask('PUT', '/v1/devices/b', { hostKeys: [second.line], profile: 'nope' })).toEqual(
      problem(404, 'CALLHOME_PROFILE_UNKNOWN', /"nope"/),
    );
    expect(await api.registry.count()).toBe(1);
  });
});

describe('a change of a device', () => {
  test('changes what it says and leaves the rest, and null takes away', async () => {
    const change = {
      profile: 'core',
      labels: { room: '7' },
      settings: { keepaliveMaxWaitSeconds: 10, maxSessions: 2 },
    };
    expect(await ask('PATCH', '/v1/devices/a', change)).toMatchObject([
      200,
      {
        profile: 'core',
        user: 'of-profile',
        description: 'rack 7',
        labels: { site: 'x', room: '7' },
        settings: change.settings,
        hostKeys: [{ fingerprint: first.fingerprint }],
      },
    ]);
    const away = {
      profile: null,
      description: null,
      labels: { site: null },
      settings: { user: 'own', maxSessions: null },
    };
    const [, left] = await ask('PATCH', '/v1/devices/a', away);
    expect(left).toMatchObject({ profile: 'default', description: null, user: 'own' });
    expect(left['labels']).toEqual({ room: '7' });
    expect(left['settings']).toEqual({ user: 'own', keepaliveMaxWaitSeconds: 10 });
    expect(await ask('GET', '/v1/devices/a')).toEqual([200, left]);
    const changed = { device: 'a', msg: 'device changed' };
    expect(told()).toEqual([changed, changed]);
  });

  test('of nothing changes nothing, and is not told', async () => {
    const [, before] = await ask('GET', '/v1/devices/a');
    expect(await ask('PATCH', '/v1/devices/a', {})).toEqual([200, before]);
    expect(told()).toEqual([]);
  });

  test('adds and removes host keys, each with its origin', async () => {
    const [, both] = await ask('PATCH', '/v1/devices/a', { addKeys: [second.line] });
    const added = { origin: 'added', learnedAt: expect.any(String), provedAt: null };
    expect(both).toMatchObject({
      hostKeys: [
        { fingerprint: first.fingerprint, ...added },
        { fingerprint: second.fingerprint, ...added },
      ],
    });
    const [, one] = await ask('PATCH', '/v1/devices/a', { removeKeys: [first.fingerprint] });
    expect(one['hostKeys']).toMatchObject([{ fingerprint: second.fingerprint }]);
    expect(await ask('PATCH', '/v1/devices/a', { removeKeys: [first.fingerprint] })).toEqual(
      problem(404, 'CALLHOME_HOST_KEY_NOT_ITS', /"a" has no host key/),
    );
  });

  test("does not take a key that another device has, or that is the collector's own", async () => {
    await ask('PUT', '/v1/devices/b', { hostKeys: [second.line] });
    expect(await ask('PATCH', '/v1/devices/a', { description: 'no', addKeys: [second.line] })).toEqual(
      problem(409, 'CALLHOME_HOST_KEY_TAKEN', /"b"/),
    );
    expect(await ask('GET', '/v1/devices/a')).toMatchObject([200, { description: 'rack 7' }]);
    const own = await startTestApi({ ownKeys: [second.blob], registry: api.registry });
    const refused = await own.call('PATCH', '/v1/devices/a', JSON.stringify({ addKeys: [second.line] }));
    expect(await refused.json()).toMatchObject({
      code: 'CALLHOME_KEY_INVALID',
      message: expect.stringContaining('addKeys.0'),
    });
    await own.stop();
  });

  test.each([
    ['an unknown profile', { profile: 'nope' }, 404, 'CALLHOME_PROFILE_UNKNOWN', /"nope"/],
    [
      'a bad setting',
      { settings: { maxSessions: 0 } },
      400,
      'CALLHOME_REQUEST_INVALID',
      /body\.settings\.maxS/,
    ],
    ['a bad label', { labels: { '': 'x' } }, 400, 'CALLHOME_REQUEST_INVALID', /body\.labels/],
    ['an id', { id: 'b' }, 400, 'CALLHOME_REQUEST_INVALID', /"id"/],
    ['a bad key', { addKeys: ['ssh-rsa AAAA'] }, 400, 'CALLHOME_KEY_INVALID', /addKeys\.0/],
    ['nothing', null, 400, 'CALLHOME_REQUEST_INVALID', /body/],
  ])('with %s is refused and changes nothing', async (_what, change, status, code, message) => {
    const [, before] = await ask('GET', '/v1/devices/a');
    expect(await ask('PATCH', '/v1/devices/a', change)).toEqual(problem(status, code, message));
    expect(await ask('GET', '/v1/devices/a')).toEqual([200, before]);
    expect(told()).toEqual([]);
  });

  test('of nobody is 404', async () => {
    expect(await ask('PATCH', '/v1/devices/nobody?reconnect=true', { description: 'x' })).toEqual(
      problem(404, 'CALLHOME_DEVICE_UNKNOWN', /"nobody"/),
    );
    expect(api.fleet.ended).toEqual([]);
  });

  test('ends the connection where that is asked for, and only then', async () => {
    api.fleet.devices.set('a', fakeDevice());
    await ask('PATCH', '/v1/devices/a', { settings: { user: 'x' } });
    expect(api.fleet.ended).toEqual([]);
    expect(await ask('PATCH', '/v1/devices/a?reconnect=true', {})).toMatchObject([200, { id: 'a' }]);
    expect(api.fleet.ended).toEqual([
      { device: 'a', reason: expect.objectContaining({ code: 'CALLHOME_DEVICE_CHANGED' }) },
    ]);
  });
});

describe('a renaming', () => {
  test('gives a device another id and leaves the rest', async () => {
    const [, before] = await ask('GET', '/v1/devices/a');
    const after = { ...before, id: 'berlin#1' };
    expect(await ask('POST', '/v1/devices/a/rename', { to: after.id })).toEqual([200, after]);
    expect(await ask('GET', `/v1/devices/${encodeURIComponent(after.id)}`)).toEqual([200, after]);
    expect(await ask('GET', '/v1/devices/a')).toEqual(problem(404, 'CALLHOME_DEVICE_UNKNOWN'));
    expect(told()).toEqual([{ device: 'a', to: after.id, msg: 'device renamed' }]);
  });

  test('to the id that it has is none', async () => {
    expect(await ask('POST', '/v1/devices/a/rename', { to: 'a' })).toMatchObject([200, { id: 'a' }]);
    expect(told()).toEqual([]);
  });

  test('to an id that is taken, or is none, and of nobody, is refused', async () => {
    await ask('PUT', '/v1/devices/b', { hostKeys: [second.line] });
    expect(await ask('POST', '/v1/devices/a/rename', { to: 'b' })).toEqual(
      problem(409, 'CALLHOME_DEVICE_EXISTS', /"b"/),
    );
    expect(await ask('POST', '/v1/devices/a/rename', { to: 'a/b' })).toEqual(
      problem(400, 'CALLHOME_REQUEST_INVALID', /body\.to: must be/),
    );
    expect(await ask('POST', '/v1/devices/nobody/rename', { to: 'c' })).toEqual(
      problem(404, 'CALLHOME_DEVICE_UNKNOWN', /"nobody"/),
    );
    expect(await ask('GET', '/v1/devices/a')).toMatchObject([200, { id: 'a' }]);
  });
});

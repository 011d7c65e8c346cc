import {
  type ConnectionView,
  connectionView,
  type DeviceView,
  deviceView,
} from '@callhome/nms/northbound/http/schemas.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from './api.js';
import { addFleet, hadConnection, hourMs } from './fleet-of-four.js';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  await addFleet(api);
});
afterEach(() => api.stop());

async function list(query = ''): Promise<readonly DeviceView[]> {
  const response = await api.call('GET', `/v1/devices${query}`);
  expect(response.status).toBe(200);
  return deviceView.array().parse(await response.json());
}

async function problem(path: string, method = 'GET', body?: string): Promise<unknown> {
  const response = await api.call(method, path, body);
  return Object.assign({ status: response.status }, await response.json());
}

test('a device tells whether it has never called, was lost or is refused', async () => {
  const none = { since: null, at: null, code: null, reason: null };
  expect((await list()).map(({ id, down }) => [id, down])).toMatchObject([
    ['away', { kind: 'lost', code: 'CALLHOME_PEER_VANISHED', reason: 'the peer has vanished' }],
    ['here', null],
    ['new', { kind: 'never-called', ...none }],
    ['sent-off', { kind: 'refused', code: 'CALLHOME_AUTHENTICATION_FAILED', reason: 'no key is let in' }],
  ]);
  const view = deviceView.parse(await (await api.call('GET', '/v1/devices/sent-off')).json());
  expect(view).toMatchObject({ lastAttempt: { stage: 'log-in' } });
  expect(view.down?.since).toBe(view.disconnectedAt);
  expect(view.down?.at).toBe(view.lastAttempt?.at);
});

test.each([
  ['away', /^the device "away" is not connected: it was lost at 20\S+Z: the peer has vanished$/],
  ['new', /^the device "new" is not connected: it has never called$/],
  [
    'sent-off',
    /^the device "sent-off" is not connected: it called last at 20\S+Z and was refused: no key is let in$/,
  ],
])('what needs the device %s says why it is not there', async (id, message) => {
  expect(await problem(`/v1/devices/${id}/rpc`, 'POST', '<get/>')).toEqual({
    status: 503,
    code: 'CALLHOME_DEVICE_NOT_CONNECTED',
    message: expect.stringMatching(message),
  });
});

describe('a list', () => {
  test.each([
    ['state=connected', ['here']],
    ['state=disconnected', ['away', 'new', 'sent-off']],
    ['label=site%3Dberlin', ['away', 'here']],
    ['label=site%3Dberlin&label=rack%3D2', ['here']],
    ['label=rack%3D1&label=rack%3D2', []],
    ['label=site%3Dparis%3Dx', ['new']],
    ['label=site%3D', []],
    ['label=constructor%3Dx', []],
    ['profile=core', ['new']],
    ['profile=default', ['away', 'here', 'sent-off']],
    ['profile=none', []],
    // Nobody knows for how long one has not been there that never was.
    ['downFor=60', ['away', 'new', 'sent-off']],
    ['downFor=9000', ['new', 'sent-off']],
    ['downFor=9000&state=connected', []],
    ['downFor=60&label=site%3Dberlin&state=disconnected&profile=default', ['away']],
  ])('of %s has those alone', async (query, ids) => {
    expect((await list(`?${query}`)).map(({ id }) => id)).toEqual(ids);
  });

  test('leaves the capabilities out where they are not wanted', async () => {
    const all = await list('?capabilities=true');
    expect(all.map(({ capabilities }) => capabilities?.length)).toEqual([1, 1, undefined, 1]);
    const without = all.map((device) => ({ ...device, capabilities: null }));
    expect(await list('?capabilities=false')).toEqual(without);
  });

  test.each([
    ['state=pending', 'query.state'],
    ['state=connected&state=disconnected', '"state" is given twice'],
    ['label=site', 'query.label.0: must be NAME=VALUE'],
    ['label=%3Dx', 'query.label.0: must be NAME=VALUE'],
    ['downFor=1h', 'query.downFor'],
    ['downFor=0', 'query.downFor'],
    ['capabilities=no', 'query.capabilities'],
    ['sort=id', 'query'],
  ])('of %s is a bad request', async (query, why) => {
    expect(await problem(`/v1/devices?${query}`)).toMatchObject({
      status: 400,
      code: 'CALLHOME_REQUEST_INVALID',
      message: expect.stringContaining(why),
    });
  });
});

test('a device whose connections end soon one after the other is flapping, connected or not', async () => {
  for (let minute = 9; minute > 5; minute -= 1)
    await hadConnection(api.registry, 'here', minute * 60_000, minute * 60_000 - 1000);
  expect((await list()).map(({ flapping }) => flapping)).toEqual([false, false, false, false]);
  await hadConnection(api.registry, 'here', 5 * 60_000, 5 * 60_000 - 1000);
  expect((await list()).map(({ flapping }) => flapping)).toEqual([false, true, false, false]);
  expect(await (await api.call('GET', '/v1/devices/here')).json()).toMatchObject({
    state: 'connected',
    flapping: true,
  });
});

describe('the history of a device', () => {
  const history = async (path: string): Promise<readonly ConnectionView[]> =>
    connectionView.array().parse(await (await api.call('GET', `/v1/devices/${path}`)).json());

  test('has the connection that lasts first, and then the last ended', async () => {
    const ended = {
      remoteAddress: '192.0.2.1 port 4000',
      hostKey: 'SHA256:a',
      bytes: { received: 1000, sent: 20 },
      code: 'CALLHOME_PEER_VANISHED',
      reason: 'the peer has vanished',
    };
    const told = await history('here/history');
    expect(told).toEqual([
      {
        from: expect.any(String),
        to: null,
        seconds: expect.any(Number),
        remoteAddress: '192.0.2.1 port 4000',
        hostKey: 'SHA256:a',
        bytes: { received: 7, sent: 8 },
        code: null,
        reason: null,
      },
      { ...ended, from: expect.any(String), to: expect.any(String), seconds: 3600 },
    ]);
    expect(told[0]?.seconds).toBeGreaterThanOrEqual(3600);
    expect(await history('away/history')).toMatchObject([{ ...ended, seconds: 3 * 3600 }]);
    expect(await history('new/history')).toEqual([]);
  });

  test('has no more entries than are asked for, the one that lasts among them', async () => {
    expect(await history('here/history?limit=1')).toMatchObject([{ to: null }]);
    for (let hour = 200; hour > 50; hour -= 1)
      await hadConnection(api.registry, 'away', hour * hourMs, hour * hourMs - 1000);
    expect(await history('away/history?limit=3')).toHaveLength(3);
    expect(await history('away/history')).toHaveLength(100);
  });

  test.each(['limit=0', 'limit=10001', 'limit=1.5', 'limit=x', 'limit=1&limit=2', 'most=1'])(
    'with %s is a bad request',
    async (query) => {
      expect(await problem(`/v1/devices/away/history?${query}`)).toMatchObject({ status: 400 });
    },
  );

  test('of nobody is 404', async () => {
    expect(await problem('/v1/devices/nobody/history')).toMatchObject({ code: 'CALLHOME_DEVICE_UNKNOWN' });
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from './api.js';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

/** With both characters that a path and a query have other uses for. */
const one = 'SHA256:a/b+c/d+e/f+g/h+i/j+k/l+m/n+o/p+q/r+s/t+u/v';
const two = 'SHA256:a/b+c/d+e/XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX';

async function seen(fingerprint: string, at = '2026-01-01T00:00:00.000Z'): Promise<void> {
  await api.registry.pending.seen(
    { type: 'ssh-ed25519', blob: `blob-${fingerprint}`, fingerprint },
    {
      at,
      source: '192.0.2.1',
      remoteAddress: '192.0.2.1 port 4',
      listener: 'call-home',
      said: 'a\nSSH-2.0-x',
    },
  );
}

const view = {
  fingerprint: one,
  type: 'ssh-ed25519',
  key: `ssh-ed25519 blob-${one}`,
  state: 'pending',
  firstSeen: '2026-01-01T00:00:00.000Z',
  lastSeen: '2026-01-01T00:00:00.000Z',
  lastCalls: ['2026-01-01T00:00:00.000Z'],
  calls: 1,
  remoteAddress: '192.0.2.1 port 4',
  listener: 'call-home',
  said: 'a\nSSH-2.0-x',
};

const path = (fingerprint: string, verb = '') => `/v1/pending/${encodeURIComponent(fingerprint)}${verb}`;

async function ask(method: string, where: string, body?: unknown) {
  const answer = await api.call(method, where, body === undefined ? undefined : JSON.stringify(body));
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('pending keys', () => {
  test('are an array, the last seen first, and each is there by its fingerprint or the beginning of it', async () => {
    expect(await ask('GET', '/v1/pending')).toEqual({ status: 200, body: [] });
    await seen(one);
    await seen(two, '2026-01-02T00:00:00.000Z');
    expect((await ask('GET', '/v1/pending')).body).toEqual([
      expect.objectContaining({ fingerprint: two }),
      view,
    ]);
    for (const fingerprint of [one, one.slice(0, 20)])
      expect(await ask('GET', path(fingerprint))).toEqual({ status: 200, body: view });
  });

  test.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/reject'],
    ['POST', '/approve'],
  ])('%s of %s refuses what names none of them, or several', async (method, verb) => {
    await seen(one);
    await seen(two);
    const body = verb === '/approve' ? { device: 'router1' } : undefined;
    const code = async (fingerprint: string) => {
      const answer = await ask(method, path(fingerprint, verb), body);
      return [answer.status, answer.body.code];
    };
    expect(await code(one.slice(0, 17))).toEqual([409, 'CALLHOME_FINGERPRINT_AMBIGUOUS']);
    expect(await code('SHA256:zzzzzzzzzz')).toEqual([404, 'CALLHOME_KEY_NOT_PENDING']);
    for (const bad of ['SHA256:short', 'MD5:aaaaaaaaaaaa', `${one}xx`, 'SHA256:%_________'])
      expect(await code(bad)).toEqual([400, 'CALLHOME_REQUEST_INVALID']);
    expect((await ask('GET', '/v1/pending')).body).toHaveLength(2);
  });

  test('are rejected and forgotten, and both are told', async () => {
    await seen(one);
    const rejected = { ...view, state: 'rejected' };
    expect(await ask('POST', path(one, '/reject'))).toEqual({ status: 200, body: rejected });
    expect((await ask('GET', path(one))).body).toEqual(rejected);
    expect(await ask('DELETE', path(one))).toEqual({ status: 204, body: undefined });
    expect((await ask('DELETE', path(one))).status).toBe(404);
    const lines = api.logged.map((line) => JSON.parse(line)).slice(1);
    expect(lines).toMatchObject([
      { msg: 'key rejected', fingerprint: one },
      { msg: 'key forgotten', fingerprint: one },
    ]);
  });
});

describe('approval', () => {
  test('makes a device, with all that is said of it, and is told', async () => {
    await api.registry.profiles.add('edge', { user: 'netconf' });
    await seen(one);
    const said = {
      profile: 'edge',
      labels: { site: 'berlin' },
      description: 'core',
      settings: { maxSessions: 2 },
    };
    const answer = await ask('POST', path(one.slice(0, 30), '/approve'), { device: 'router1', ...said });
    expect(answer).toMatchObject({
      status: 200,
      body: { id: 'router1', ...said, user: 'netconf', hostKeys: [{ fingerprint: one, origin: 'approved' }] },
    });
    expect((await ask('GET', '/v1/devices/router1')).body).toEqual(answer.body);
    expect((await ask('GET', '/v1/pending')).body).toEqual([]);
    expect(JSON.parse(api.logged.at(-1) ?? '')).toMatchObject({
      msg: 'device approved',
      device: 'router1',
      fingerprint: one,
    });
  });

  test('gives a known device the key in addition, and tells the next who wants it whose it is', async () => {
    await api.registry.add({ id: 'router1', hostKeys: [], labels: { a: 'b' } });
    await seen(one);
    const approve = (device: string) => ask('POST', path(one, '/approve'), { device });
    const [first, second] = await Promise.all([approve('router1'), approve('router1')]);
    expect([first.status, second.status].toSorted()).toEqual([200, 404]);
    const [won, lost] = first.status === 200 ? [first, second] : [second, first];
    expect(won.body).toMatchObject({ labels: { a: 'b' }, hostKeys: [{ fingerprint: one }] });
    expect(lost.body).toMatchObject({
      code: 'CALLHOME_KEY_NOT_PENDING',
      message: expect.stringContaining('device "router1"'),
    });
  });

  test.each([
    ['no device', {}],
    ['a bad id', { device: '../x' }],
    ['a bad label', { device: 'x', labels: { 'a b': 'c' } }],
    ['a label named __proto__', JSON.parse('{"device":"x","labels":{"__proto__":"y"}}')],
    ['a member that there is not', { device: 'x', hostKeys: [] }],
    ['a setting that there is not', { device: 'x', settings: { password: 'y' } }],
    ['a description that steers a terminal', { device: 'x', description: '\u001b[2J' }],
  ])('with %s is refused, and the key stays', async (_what, body) => {
    await seen(one);
    expect(await ask('POST', path(one, '/approve'), body)).toMatchObject({
      status: 400,
      body: { code: 'CALLHOME_REQUEST_INVALID' },
    });
    expect((await ask('GET', '/v1/pending')).body).toHaveLength(1);
    expect((await ask('GET', '/v1/devices')).body).toEqual([]);
  });

  test('with a profile that is not known is refused', async () => {
    await seen(one);
    const body = { device: 'x', profile: 'none' };
    expect(await ask('POST', path(one, '/approve'), body)).toMatchObject({
      status: 404,
      body: { code: 'CALLHOME_PROFILE_UNKNOWN' },
    });
  });
});

import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint, publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { head, startTestApi, type TestApi } from './api.js';

let api: TestApi;
const own = generateKeyPair().publicKey;
beforeEach(async () => {
  api = await startTestApi({ ownKeys: [own.blob] });
});
afterEach(() => api.stop());

const key = generateKeyPair().publicKey;
const line = publicKeyLine(key, '').trim();

/** The lines of the answer to an import. */
async function bring(...rows: readonly unknown[]): Promise<unknown[]> {
  const body = rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('');
  const response = await api.call('POST', '/v1/import', body);
  expect(response.status).toBe(200);
  const answer = (await response.text()).trimEnd().split('\n');
  return answer.map((text): unknown => JSON.parse(text));
}

const none = { added: 0, changed: 0, unchanged: 0, failed: 0 };

test('each line that fails is told with its number and why, and the others are in', async () => {
  const failed = (number: number, code: string, message: RegExp) => ({
    line: number,
    code,
    message: expect.stringMatching(message),
  });
  await api.registry.add({ id: 'other', hostKeys: [], labels: {} });
  await api.registry.bring([
    {
      id: 'other',
      hostKeys: [{ type: key.type, blob: key.blob.toString('base64'), fingerprint: fingerprint(key.blob) }],
    },
  ]);
  expect(
    await bring(
      { id: 'a', labels: { site: 'x' } },
      '',
      '{"id": ',
      { id: 'a' },
      { id: 'b', hostKeys: [line] },
      { id: 'c', colour: 'red' },
      { id: 'd', hostKeys: ['ssh-rsa x'] },
      { id: 'e', profile: 'nope' },
      { id: '/' },
      { id: 'f', description: 'x'.repeat(300_000) },
      { id: 'g', hostKeys: [publicKeyLine(own, '')] },
      { id: 'other', description: 'changed' },
    ),
  ).toEqual([
    failed(3, 'CALLHOME_REQUEST_INVALID', /not JSON/),
    failed(4, 'CALLHOME_REQUEST_INVALID', /line 1 has the same id/),
    failed(5, 'CALLHOME_HOST_KEY_TAKEN', /belongs to the device "other"/),
    failed(6, 'CALLHOME_REQUEST_INVALID', /"colour"/),
    failed(7, 'CALLHOME_KEY_INVALID', /TYPE BASE64/),
    failed(8, 'CALLHOME_PROFILE_UNKNOWN', /"nope"/),
    failed(9, 'CALLHOME_REQUEST_INVALID', /row\.id: must be/),
    failed(10, 'CALLHOME_REQUEST_INVALID', /longer than 262144 bytes/),
    failed(11, 'CALLHOME_KEY_INVALID', /the collector's own/),
    { added: 1, changed: 1, unchanged: 0, failed: 9 },
  ]);
  expect(await api.registry.get('a')).toMatchObject({ labels: { site: 'x' } });
  expect(api.logged.map((text): unknown => JSON.parse(text))).toContainEqual(
    expect.objectContaining({ msg: 'devices imported', added: 1, changed: 1, failed: 9 }),
  );
});

test('what is exported is what import takes, and changes nothing', async () => {
  const settings = { user: 'x', maxSessions: 3 };
  const rows = [
    { id: 'a', hostKeys: [line], profile: 'core', description: 'rack 7', labels: { site: 'x' }, settings },
    { id: 'b', hostKeys: [], profile: 'default', description: null, labels: {}, settings: {} },
  ];
  await api.registry.profiles.add('core', {});
  expect(await bring(...rows)).toEqual([{ ...none, added: 2 }]);
  const exported = await (await api.call('GET', '/v1/export')).text();
  expect(exported).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  expect(await bring(...exported.trimEnd().split('\n'))).toEqual([{ ...none, unchanged: 2 }]);
});

test('no devices are no lines', async () => {
  expect(await (await api.call('GET', '/v1/export')).text()).toBe('');
  expect(await bring()).toEqual([none]);
});

test('lines are imported while they arrive, and stay where the rest never comes', async () => {
  const socket = api.raw();
  await once(socket, 'connect');
  const rows = Array.from({ length: 250 }, (_, n) => `{"id":"d${n}"}\n`).join('');
  socket.write(head('POST /v1/import HTTP/1.1', 'Content-Length: 1000000') + rows);
  while ((await api.registry.count()) < 200) await nextTurn();
  const logged = () => api.logged.some((text) => text.includes('devices imported'));
  expect(logged()).toBe(false);
  socket.resetAndDestroy();
  while (!logged()) await nextTurn();
  expect(await api.registry.count()).toBe(250);
});

test('more lines than one request may have are refused, and those before them are in', async () => {
  const body = `${'\n'.repeat(99_999)}{"id":"a"}\n{"id":"b"}\n`;
  const response = await api.call('POST', '/v1/import', body);
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { message: expect.stringContaining('more than 100000 lines') },
  ]);
  expect(await api.registry.get('a')).toBeDefined();
  expect(await api.registry.count()).toBe(1);
});

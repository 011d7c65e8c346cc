import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceOrders } from '@callhome/nms/cli/device-orders.js';
import { devicesSummary } from '@callhome/nms/cli/devices-summary.js';
import { deviceView } from '@callhome/nms/northbound/http/schemas.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, token } from '../northbound/http/api.js';
import { addFleet, hadConnection } from '../northbound/http/fleet-of-four.js';
import { run } from './run.js';

let api: TestApi;
let where: string[];
beforeEach(async () => {
  api = await startTestApi();
  await writeFile(join(api.folder, 'url'), `${api.url}\n`);
  await writeFile(join(api.folder, 'token'), `${token}\n`);
  where = ['--state-dir', api.folder];
  await addFleet(api);
});
afterEach(() => api.stop());

async function rows(...args: string[]): Promise<string[][]> {
  const { status, stdout, stderr } = await run([...args, ...where]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = String(stdout).split('\n');
  return lines.slice(0, -1).map((line) => line.split('\t'));
}

const time = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('devices', () => {
  test('tell who has never called, was lost or is refused, and on a pipe nothing besides', async () => {
    for (let minute = 9; minute > 4; minute -= 1)
      await hadConnection(api.registry, 'here', minute * 60_000, minute * 60_000 - 1000);
    const matching = expect.stringMatching(time);
    expect(await rows('devices')).toEqual([
      ['away', 'disconnected', matching, '192.0.2.1 port 4000', '1', 'lost: the peer has vanished'],
      ['here', 'connected', matching, '192.0.2.1 port 4000', '7', 'flapping'],
      ['new', 'disconnected', '-', '-', '0', 'never called'],
      [
        'sent-off',
        'disconnected',
        matching,
        '192.0.2.9 port 9',
        '1',
        expect.stringMatching(/^refused at 20\S+Z: no key is let in$/),
      ],
    ]);
  });

  test.each([
    [['--state', 'connected'], ['here']],
    [['--label', 'site=berlin', '--label', 'rack=1'], ['away']],
    [['--profile', 'core'], ['new']],
    [
      ['--down-for', '150m'],
      ['new', 'sent-off'],
    ],
    [
      ['--sort', 'id'],
      ['away', 'here', 'new', 'sent-off'],
    ],
    [
      ['--sort', 'state'],
      ['away', 'new', 'sent-off', 'here'],
    ],
    [
      ['--sort', 'since'],
      ['sent-off', 'away', 'here', 'new'],
    ],
    [
      ['--sort', 'connections'],
      ['here', 'away', 'sent-off', 'new'],
    ],
    [
      ['--sort', 'since', '--down-for', '1h', '--state', 'disconnected'],
      ['sent-off', 'away', 'new'],
    ],
  ])('%j are those, in this order', async (args, ids) => {
    expect((await rows('devices', ...args)).map(([id]) => id)).toEqual(ids);
  });

  test('in JSON are filtered and sorted too, and have all', async () => {
    const { stdout } = await run([
      'devices',
      '--json',
      '--sort',
      'since',
      '--label',
      'site=berlin',
      ...where,
    ]);
    expect(JSON.parse(String(stdout))).toMatchObject([
      { id: 'away', capabilities: ['urn:x'], down: { kind: 'lost' } },
      { id: 'here', down: null },
    ]);
  });

  test.each([
    ['--state', 'gone'],
    ['--label', 'berlin'],
    ['--down-for', 'long'],
    ['--down-for', '0s'],
    ['--sort', 'colour'],
  ])('%s %s is wrong usage', async (...args) => {
    expect(await run(['devices', ...args, ...where])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(args[0] ?? ''),
    });
  });

  test('are counted by kind in the summary', async () => {
    const devices = deviceView.array().parse(await (await api.call('GET', '/v1/devices')).json());
    expect(devicesSummary(devices)).toBe('4 devices: 1 connected, 1 lost, 1 refused, 1 never called');
    expect(devicesSummary(devices.slice(1, 2))).toBe('1 device: 1 connected');
    expect(devicesSummary(devices.slice(0, 1).map((device) => ({ ...device, flapping: true })))).toBe(
      '1 device: 1 lost, 1 flapping',
    );
    expect(devicesSummary([])).toBe('0 devices');
  });

  test('that are equal in an order stay sorted by id', async () => {
    const devices = deviceView.array().parse(await (await api.call('GET', '/v1/devices')).json());
    const same = devices.map((device) => ({ ...device, state: 'connected' as const, connections: 1 }));
    for (const order of ['id', 'state', 'connections'] as const)
      expect(same.toSorted(deviceOrders[order])).toEqual(same);
  });
});

test('device show tells why the device is down, and how far its last call came', async () => {
  const shown = (await rows('device', 'show', 'sent-off')).map((row) => row.join(' '));
  expect(shown).toEqual(
    expect.arrayContaining([
      'flapping false',
      'down.kind refused',
      'down.code CALLHOME_AUTHENTICATION_FAILED',
      'down.reason no key is let in',
      'lastAttempt.stage log-in',
      'lastAttempt.remoteAddress 192.0.2.9 port 9',
    ]),
  );
});

test('a command that needs a device says why it is not there', async () => {
  for (const command of [['rpc'], ['get-config'], ['netconf']]) {
    const { status, stderr } = await run([...command, 'new', ...where], '<get/>');
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: 'callhome-nms: the device "new" is not connected: it has never called\n',
    });
  }
});

describe('device history', () => {
  test('has a row for each connection, the one that lasts first', async () => {
    const matching = expect.stringMatching(time);
    const address = '192.0.2.1 port 4000';
    expect(await rows('device', 'history', 'here')).toEqual([
      [matching, '-', expect.stringMatching(/^1h 0m$/), address, '7', '8', 'SHA256:a', 'connected'],
      [matching, matching, '1h 0m', address, '1000', '20', 'SHA256:a', 'the peer has vanished'],
    ]);
    expect(await rows('device', 'history', 'here', '--limit', '1')).toHaveLength(1);
    expect(await rows('device', 'history', 'new')).toEqual([]);
  });

  test('is an array with --json', async () => {
    const { stdout } = await run(['device', 'history', 'away', '--json', ...where]);
    expect(JSON.parse(String(stdout))).toMatchObject([{ seconds: 10_800, code: 'CALLHOME_PEER_VANISHED' }]);
  });

  test.each(['0', '-1', '1.5', 'x', '10001'])('of at most %s is wrong usage', async (limit) => {
    expect(await run(['device', 'history', 'away', '--limit', limit, ...where])).toMatchObject({ status: 2 });
  });

  test('of a device that is unknown is 3', async () => {
    expect(await run(['device', 'history', 'nobody', ...where])).toMatchObject({ status: 3 });
  });
});

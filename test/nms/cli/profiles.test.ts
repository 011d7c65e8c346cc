import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPair, publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint, publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, token } from '../northbound/http/api.js';
import { run } from './run.js';

let api: TestApi;

beforeEach(async () => {
  api = await startTestApi();
  await writeFile(join(api.folder, 'url'), `${api.url}\n`);
  await writeFile(join(api.folder, 'token'), `${token}\n`);
});
afterEach(() => api.stop());

/** Runs a command against the API. */
async function nms(args: readonly string[], input = '') {
  const { status, stdout, stderr } = await run([...args, '--state-dir', api.folder], input);
  return { status, stdout: String(stdout), stderr };
}

const silent = { status: 0, stdout: '', stderr: '' };

const key = generateKeyPair().publicKey;
const line = publicKeyLine(key, 'root@device');
const known = `${fingerprint(key.blob)} ssh-ed25519\n`;

const addDevice = (id: string, profile?: string) =>
  api.registry.add({ id, hostKeys: [], labels: { site: 'x' }, profile, description: 'rack 7' });

describe('profile', () => {
  test('add, set, show, list and remove', async () => {
    const settings = ['--user', 'netconf', '--keepalive-max-wait', '10', '--keepalive-max-attempts', '0'];
    expect(await nms(['profile', 'add', 'core', ...settings, '--reply-timeout', '300'])).toEqual(silent);
    const added = await nms(['profile', 'add', 'old', '--max-sessions', '1', '--json']);
    expect(JSON.parse(added.stdout)).toEqual({ name: 'old', settings: { maxSessions: 1 }, devices: 0 });
    await addDevice('a', 'core');
    expect(await nms(['profile', 'list'])).toEqual({
      ...silent,
      stdout: 'default\t0\tcallhome\t-\t-\t-\t-\ncore\t1\tnetconf\t10\t0\t300\t-\nold\t0\t-\t-\t-\t-\t1\n',
    });
    const change = ['--user', 'admin', '--unset', 'keepalive-max-wait', '--unset', 'reply-timeout'];
    const changed = await nms(['profile', 'set', 'core', ...change, '--json']);
    const core = { name: 'core', settings: { user: 'admin', keepaliveMaxAttempts: 0 }, devices: 1 };
    expect(JSON.parse(changed.stdout)).toEqual(core);
    expect(api.fleet.ended).toEqual([]);
    expect(JSON.parse((await nms(['profile', 'show', 'core', '--json'])).stdout)).toEqual(core);
    expect((await nms(['profile', 'show', 'core'])).stdout).toBe(
      'name\tcore\ndevices\t1\nuser\tadmin\nkeepaliveMaxAttempts\t0\n',
    );
    expect(JSON.parse((await nms(['profile', 'list', '--json'])).stdout)).toMatchObject([
      { name: 'default' },
      core,
      { name: 'old' },
    ]);
    expect(await nms(['profile', 'remove', 'core'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('give each another one first'),
    });
    expect(await nms(['profile', 'remove', 'old'])).toEqual(silent);
  });

  test('set --reconnect lets its devices call again, also where nothing else is said', async () => {
    await api.registry.profiles.add('core', {});
    await addDevice('a', 'core');
    await addDevice('b');
    expect(await nms(['profile', 'set', 'core', '--user', 'x', '--reconnect'])).toEqual(silent);
    expect(await nms(['profile', 'set', 'core', '--reconnect'])).toEqual(silent);
    expect(api.fleet.ended).toMatchObject([{ device: 'a' }, { device: 'a' }]);
  });

  test.each([
    ['show', 'nope', [], 'no profile "nope": `callhome-nms profile list`'],
    ['set', 'nope', ['--user', 'x'], 'no profile "nope"'],
    ['remove', 'nope', [], 'no profile "nope"'],
    ['set', 'default', ['--user', 'x'], 'the profile "default" is made of the configuration'],
    ['remove', 'default', [], 'the profile "default" is made of the configuration'],
  ])('%s %s that cannot be is 1, and says why', async (command, name, options, why) => {
    expect(await nms(['profile', command, name, ...options])).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(why),
    });
  });

  test('a setting that is none names the option', async () => {
    const { status, stderr } = await nms(['profile', 'add', 'core', '--keepalive-max-attempts', '256']);
    expect(status).toBe(2);
    expect(stderr).toContain('--keepalive-max-attempts');
    expect(stderr).toContain('It must be a whole number from 0 to 255.');
  });
});

describe('device', () => {
  test('add takes a profile, a description and settings', async () => {
    await api.registry.profiles.add('core', {});
    const said = ['--profile', 'core', '--description', 'rack 7', '--user', 'x', '--reply-timeout', '90'];
    expect(await nms(['device', 'add', 'a', '--host-key', '-', ...said], line)).toEqual({
      ...silent,
      stdout: known,
    });
    expect(await api.registry.get('a')).toMatchObject({
      profile: 'core',
      description: 'rack 7',
      settings: { user: 'x', replyTimeoutSeconds: 90 },
    });
  });

  test('set changes what is said, takes away what is unset, and leaves the rest', async () => {
    await api.registry.profiles.add('core', { user: 'of-profile' });
    await addDevice('a');
    const said = ['--profile', 'core', '--label', 'room=7', '--max-sessions', '3', '--user', 'own'];
    expect(await nms(['device', 'set', 'a', ...said])).toEqual(silent);
    expect(await api.registry.get('a')).toMatchObject({
      profile: 'core',
      description: 'rack 7',
      labels: { site: 'x', room: '7' },
      settings: { user: 'own', maxSessions: 3 },
    });
    const away = ['--unset', 'user', '--unlabel', 'site', '--description', '', '--json'];
    const { stdout } = await nms(['device', 'set', 'a', ...away]);
    expect(JSON.parse(stdout)).toMatchObject({
      user: 'of-profile',
      description: null,
      labels: { room: '7' },
      settings: { maxSessions: 3 },
    });
    expect(api.fleet.ended).toEqual([]);
    expect(await nms(['device', 'set', 'a', '--profile', 'default', '--reconnect'])).toEqual(silent);
    expect(api.fleet.ended).toMatchObject([{ device: 'a', reason: { code: 'CALLHOME_DEVICE_CHANGED' } }]);
    expect(await api.registry.get('a')).not.toHaveProperty('profile');
  });

  test('show has its profile, its settings, its description, and where each of its keys comes from', async () => {
    await addDevice('a');
    await nms(['device', 'set', 'a', '--user', 'own', '--max-sessions', '3']);
    await nms(['device', 'key', 'add', 'a', '--host-key', '-'], line);
    const { learnedAt } = (await api.registry.get('a'))?.hostKeys[0] ?? {};
    const rows = async () => (await nms(['device', 'show', 'a'])).stdout.split('\n');
    const shown = known.trim();
    expect(await rows()).toEqual(
      expect.arrayContaining([
        'profile\tdefault',
        'description\track 7',
        'settings.user\town',
        'settings.maxSessions\t3',
        `knownHostKey\t${shown} added ${learnedAt} proved -`,
      ]),
    );
    const connectedAt = '2026-01-01T00:00:00.000Z';
    await api.registry.connected(
      'a',
      { owner: 'collector', connection: 1 },
      {
        transport: 'ssh',
        remoteAddress: '192.0.2.1 port 1',
        hostKey: fingerprint(key.blob),
        sessionId: 1,
        capabilities: [],
        connectedAt,
      },
    );
    expect(await rows()).toContain(`knownHostKey\t${shown} added ${learnedAt} proved ${connectedAt}`);
  });

  test('key add and remove print the keys that it has then', async () => {
    await addDevice('a');
    await nms(['device', 'key', 'add', 'a', '--host-key', '-'], line);
    const other = generateKeyPair().publicKey;
    const file = join(api.folder, 'other.pub');
    await writeFile(file, publicKeyLine(other, ''));
    const shown = `${fingerprint(other.blob)} ssh-ed25519\n`;
    expect(await nms(['device', 'key', 'add', 'a', '--host-key', file])).toEqual({
      ...silent,
      stdout: known + shown,
    });
    expect(await nms(['device', 'key', 'remove', 'a', fingerprint(key.blob)])).toEqual({
      ...silent,
      stdout: shown,
    });
    expect(await nms(['device', 'key', 'remove', 'a', fingerprint(key.blob)])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('`callhome-nms device show` lists those that it has'),
    });
  });

  test('a host key that is none, or is weak, is told with its place', async () => {
    const bad = await nms(['device', 'key', 'add', 'a', '--host-key', '-'], `# keys\n${line}\nssh-rsa x\n`);
    expect(bad).toMatchObject({ status: 1, stderr: expect.stringContaining('standard input line 3') });
    const weak = publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, 'the key');
    const file = join(api.folder, 'weak.pub');
    await writeFile(file, publicKeyLine(weak, ''));
    for (const command of [['key', 'add'], ['add']]) {
      const { status, stderr } = await nms(['device', ...command, 'a', '--host-key', file]);
      expect(status).toBe(1);
      expect(stderr).toContain(
        `${fingerprint(weak.blob)} in ${file} is not a usable key: it is RSA of 1024 bits`,
      );
    }
  });

  test('rename gives it another id', async () => {
    await addDevice('a');
    await addDevice('b');
    expect(await nms(['device', 'rename', 'a', 'c'])).toEqual(silent);
    expect(await api.registry.get('c')).toMatchObject({ labels: { site: 'x' } });
    expect(await nms(['device', 'rename', 'c', 'b'])).toMatchObject({ status: 1 });
  });

  test.each([
    [['set', 'nobody', '--user', 'x']],
    [['rename', 'nobody', 'x']],
    [['key', 'add', 'nobody', '--host-key', '-']],
    [['key', 'remove', 'nobody', 'SHA256:x']],
  ])('%j of a device that is unknown is 3', async (command) => {
    const { status, stdout, stderr } = await nms(['device', ...command], line);
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toContain('no device "nobody"');
  });
});

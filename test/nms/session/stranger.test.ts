import { generateKeyPairSync } from 'node:crypto';
import type { PendingKey } from '@callhome/nms/registry/pending-keys.js';
import { generateKeyPair, type KeyPair, publicKeyOf } from '@callhome/shared/ssh/key-pair.js';
import { fingerprint } from '@callhome/shared/ssh/public-key.js';
import { describe, expect, it } from 'vitest';
import { closed, createRig, hostKey, serve } from './rig.js';

const rig = createRig();

const fingerprintOf = ({ publicKey }: KeyPair) => fingerprint(publicKey.blob);

async function pending(): Promise<PendingKey[]> {
  await rig.settled();
  const keys: PendingKey[] = [];
  for await (const key of rig.registry.pending.list()) keys.push(key);
  return keys;
}

/** Calls, says something first, and resolves with the line of the log that the call's failure has. */
async function callAs(key: KeyPair, code: string, saidFirst: string | Buffer = '') {
  const failed = rig.logged(code);
  const requests: string[] = [];
  const socket = await rig.call();
  socket.write(saidFirst);
  serve(socket, { key, onAuthentication: (context) => void requests.push(context.method) });
  return { line: await failed, requests };
}

describe('a device that nobody knows', () => {
  it('is remembered with what it said of itself, and its calls are counted', async () => {
    await rig.start();
    const stranger = generateKeyPair();
    const told = await callAs(stranger, 'CALLHOME_HOST_KEY_UNKNOWN', 'DEVICE-ID: x7\r\nVENDOR: y\r\n');
    expect(told.line['reason']).toContain(`callhome-nms approve ${fingerprintOf(stranger)} --as DEVICE`);
    expect(told.requests).toEqual([]);
    const { type, blob } = stranger.publicKey;
    const key = { type, blob: blob.toString('base64'), fingerprint: fingerprintOf(stranger) };
    expect(await pending()).toMatchObject([
      {
        ...key,
        state: 'pending',
        calls: 1,
        listener: 'call-home',
        remoteAddress: expect.stringMatching(/^127\.0\.0\.1 port \d+$/),
        said: expect.stringMatching(/^DEVICE-ID: x7\nVENDOR: y\nSSH-2\.0-ssh2js\S*$/),
      },
    ]);
    await callAs(stranger, 'CALLHOME_HOST_KEY_UNKNOWN');
    const [again] = await pending();
    expect(again).toMatchObject({ calls: 2, said: expect.stringMatching(/^SSH-2\.0-/) });
    expect(again?.lastCalls).toEqual([again?.firstSeen, again?.lastSeen]);
  });

  it('cannot say more than people would read, nor anything that steers a terminal', async () => {
    await rig.start();
    const noise = Buffer.from(`a\u001b[2Jb\u0007\u009bc\r\n${'x'.repeat(250)}\r\n`.repeat(20), 'latin1');
    await callAs(generateKeyPair(), 'CALLHOME_HOST_KEY_UNKNOWN', noise);
    const [key] = await pending();
    expect(key?.said).toHaveLength(500);
    expect(key?.said).toMatch(/^a \[2Jb c\nx+\na [ -~\n]*$/);
  });

  it('is not remembered where it only claims a key', async () => {
    await rig.start();
    const thief = { publicKey: generateKeyPair().publicKey, privateKey: generateKeyPair().privateKey };
    await callAs(thief, 'CALLHOME_HANDSHAKE_FAILED');
    expect(await pending()).toEqual([]);
  });

  it('is not remembered by a key that says nothing of who has it', async () => {
    await rig.start();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const weak = { privateKey, publicKey: publicKeyOf(privateKey, 'the key') };
    const { line, requests } = await callAs(weak, 'CALLHOME_HOST_KEY_UNFIT');
    expect(line['reason']).toContain('RSA of 1024 bits');
    expect(requests).toEqual([]);
    expect(await pending()).toEqual([]);
  });

  it('gets no credential once it was rejected, and is told apart', async () => {
    await rig.start();
    const stranger = generateKeyPair();
    await callAs(stranger, 'CALLHOME_HOST_KEY_UNKNOWN');
    await rig.settled();
    await rig.registry.pending.reject(fingerprintOf(stranger));
    const { requests } = await callAs(stranger, 'CALLHOME_HOST_KEY_REJECTED');
    expect(requests).toEqual([]);
    expect(await pending()).toMatchObject([{ state: 'rejected', calls: 2 }]);
  });

  it('is let in at its next call once it was approved', async () => {
    await rig.start();
    const stranger = generateKeyPair();
    await callAs(stranger, 'CALLHOME_HOST_KEY_UNKNOWN');
    await rig.settled();
    await rig.registry.approve(fingerprintOf(stranger), { id: 'router2', labels: {} });
    const connected = rig.logged('device connected');
    serve(await rig.call(), { key: stranger });
    expect(await connected).toMatchObject({ device: 'router2' });
    expect(await rig.ask('router2')).toContain('<ok/>');
    expect(await pending()).toEqual([]);
  });

  it('calls as often as it likes while the registry fails, and devices are let in; the log does not fill', async () => {
    await rig.start();
    rig.registry.pending.seen = () => Promise.reject(new Error('database or disk is full'));
    for (let i = 0; i < 6; i++) {
      const socket = await rig.call();
      serve(socket, { key: generateKeyPair() });
      await closed(socket);
    }
    const connected = rig.logged('device connected');
    serve(await rig.call(), { key: hostKey });
    await connected;
    const written = () => rig.lines().filter((line) => line.includes('the registry was not written'));
    expect(written()).toHaveLength(3);
    await rig.collector.stop();
    expect(JSON.parse(written().at(-1) ?? '')).toMatchObject({ others: 2 });
  });
});

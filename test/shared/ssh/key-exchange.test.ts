import type { Socket } from 'node:net';
import { watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { algorithms } from '@callhome/shared/ssh/algorithms.js';
import { proveServer } from '@callhome/shared/ssh/client.js';
import { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { closed, createRig, internals } from '../../agent/connection/rig.js';
import { kexInit, type Offer, plainPacket } from './plain-packets.js';

const rig = createRig();

/** Both our ends, each with what makes the other end ask for strict key exchange; resolves with why it failed. */
const ends: readonly (readonly [string, string, (ours: Socket) => Promise<unknown>])[] = [
  ["the agent's SSH server", 'kex-strict-c-v00@openssh.com', (ours) => rig.serve(ours)],
  [
    "the collector's SSH client",
    'kex-strict-s-v00@openssh.com',
    (ours) => proveServer(ours, watchLifecycle(ours, 20)),
  ],
];

const ignore = Buffer.from([2, 0, 0, 0, 0]);
const debug = Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const unimplemented = Buffer.from([3, 0, 0, 0, 0]);

describe.each(ends)('%s', (_end, strict, open) => {
  /** What comes of these messages as the first of a peer. */
  async function say(...payloads: Buffer[]): Promise<unknown> {
    const { device, nms } = await rig.dial();
    const gone = closed(nms);
    nms.resume().write(Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), ...payloads.map(plainPacket)]));
    const outcome = await open(device).catch((error: unknown) => error);
    await gone;
    return outcome;
  }
  const strictly = (offer: Offer = {}) => kexInit({ ...offer, kex: `ecdh-sha2-nistp256,${strict}` });

  it.each([
    ['IGNORE', ignore],
    ['DEBUG', debug],
    ['UNIMPLEMENTED', unimplemented],
  ])('takes no %s in the first exchange of keys where that is strict', async (_name, message) => {
    expect(await say(strictly(), message)).toMatchObject({
      code: 'CALLHOME_HANDSHAKE_FAILED',
      message: expect.stringContaining(`unexpected packet type ${message[0]}`),
    });
    expect(await say(message, strictly())).toMatchObject({
      code: 'CALLHOME_HANDSHAKE_FAILED',
      message: expect.stringContaining('not first packet'),
    });
  });

  it('tells what both offer where they have no algorithm in common', async () => {
    const failed = await say(
      kexInit({ kex: 'diffie-hellman-group14-sha1', hostKey: 'ssh-dss', mac: 'hmac-md5' }),
    );
    expect(failed).toMatchObject({ code: 'CALLHOME_NO_COMMON_ALGORITHM' });
    const text = String(failed);
    expect(text).toContain('key exchange: the peer offers diffie-hellman-group14-sha1, this end ecdh-sha2-');
    expect(text).toContain('host key: the peer offers ssh-dss, this end ssh-ed25519');
    expect(text).toContain(`hmac-md5, this end ${algorithms.hmac.join(', ')}`);
  });

  it('tells it in a bounded line, whatever the peer offers', async () => {
    const failed = await say(kexInit({ kex: `\u001b]0;\n${'x,'.repeat(15_000)}` }));
    expect(failed).toMatchObject({ code: 'CALLHOME_NO_COMMON_ALGORITHM' });
    expect(String(failed).length).toBeLessThan(1000);
    expect(String(failed)).toMatch(/^[^\p{Cc}]*$/u);
  });

  it('says of another fault what that is', async () => {
    expect(await say(kexInit().subarray(0, 40))).toMatchObject({
      code: 'CALLHOME_HANDSHAKE_FAILED',
      message: expect.stringContaining('malformed KEXINIT'),
    });
  });
});

describe("the agent's SSH server", () => {
  it('names the signature algorithms that it takes of users, and those alone', async () => {
    const { device, nms } = await rig.dial();
    void rig.serve(device).catch(() => undefined);
    const client = new Client();
    client.connect({ sock: nms, username: 'x', authHandler: () => undefined, hostVerifier: () => true });
    const told = new Promise((resolve) => {
      Reflect.set(
        internals(client, '_protocol', '_handlers'),
        'EXT_INFO',
        (_: unknown, extensions: unknown) => resolve(extensions),
      );
    });
    expect(await told).toEqual([{ name: 'server-sig-algs', algs: algorithms.serverHostKey }]);
    client.end();
  });
});

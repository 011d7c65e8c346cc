import type { Socket } from 'node:net';
import { hashPassword } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { generateKeyPair, signer } from '@callhome/shared/ssh/key-pair.js';
import type { SshUser } from '@callhome/shared/ssh/user-authentication.js';
import { type AuthHandlerMiddleware, Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { closed, createRig, internals, userKey } from './rig.js';

const rig = createRig();

const passwordHash = hashPassword('secret');
const slowHash = passwordHash.replace('$6$', '$6$rounds=1000000$');
const publicKeys = [userKey.publicKey];
const byKey = { name: 'by-key', publicKeys };
const byPassword = { name: 'by-password', publicKeys: [], passwordHash };
const byBoth = { name: 'by-both', publicKeys, passwordHash };

const rightKey = { type: 'publickey' as const, key: signer(userKey) };
const wrongKey = { type: 'publickey' as const, key: signer(generateKeyPair()) };
const rightPassword = { type: 'password' as const, password: 'secret' };
const wrongPassword = { type: 'password' as const, password: 'hunter2' };
const nothing = { type: 'none' as const };
type Method = typeof rightKey | typeof rightPassword | typeof nothing;

interface Answer {
  readonly left: readonly string[];
  readonly partial: boolean;
}

/** Tries these methods one after the other; the answers are to those that did not let the user in. */
async function attempt(nms: Socket, username: string, methods: readonly Method[], onTry?: () => void) {
  const client = new Client();
  client.on('error', () => undefined);
  const answers: Answer[] = [];
  const left = [...methods];
  let tried = 0;
  const authHandler: AuthHandlerMiddleware = (methodsLeft, partial, next) => {
    if (tried > 0) answers.push({ left: methodsLeft ?? [], partial: partial ?? false });
    tried += 1;
    const method = left.shift();
    if (!method) client.end();
    else if (method.type === 'publickey') next({ ...method, username });
    else if (method.type === 'password') next({ ...method, username });
    else next('none');
    onTry?.();
  };
  client.connect({ sock: nms, username, authHandler, hostVerifier: () => true });
  await new Promise<void>((resolve) => client.once('ready', resolve).once('close', resolve));
  return { client, answers };
}

describe("the agent's SSH server lets in", () => {
  it.each([
    ['by key', byKey, [rightKey]],
    ['by password', byPassword, [rightPassword]],
    ['by password after a wrong one', byPassword, [wrongPassword, rightPassword]],
    ['by a password in cleartext', { name: 'by-password', passwordHash: '$0$secret' }, [rightPassword]],
    ['by key, then password', byBoth, [rightKey, rightPassword]],
    ['by password, then key', byBoth, [rightPassword, rightKey]],
    ['by both after wrong ones', byBoth, [wrongKey, rightPassword, wrongPassword, rightKey]],
  ])('%s', async (_how, user, methods) => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, {
      users: [byKey, byPassword, byBoth].map((u) => (u.name === user.name ? user : u)),
    });
    const { client } = await attempt(nms, user.name, methods);
    expect((await serving).user).toBe(user.name);
    client.end();
  });
});

describe("the agent's SSH server refuses", () => {
  const users = [byKey, byPassword, byBoth, { name: 'neither', publicKeys: [] }];
  it.each([
    ['a key where a password is asked for', 'by-password', [rightKey]],
    ['a password where a key is asked for', 'by-key', [rightPassword]],
    ['a wrong password', 'by-password', [wrongPassword]],
    ['an empty password', 'by-password', [{ ...rightPassword, password: '' }]],
    ['a key alone where both are asked for', 'by-both', [rightKey]],
    ['a key twice where both are asked for', 'by-both', [rightKey, rightKey]],
    ['a password alone where both are asked for', 'by-both', [rightPassword]],
    ['a wrong password after the key', 'by-both', [rightKey, wrongPassword]],
    ['a wrong key after the password', 'by-both', [rightPassword, wrongKey]],
    ['who has neither key nor password', 'neither', [rightKey, rightPassword, nothing]],
    ['who does not exist', 'nobody', [rightKey, rightPassword, nothing]],
  ])('%s', async (_what, name, methods) => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device, { users }).catch((error: unknown) => error);
    await attempt(nms, name, methods);
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(rig.captured.text()).not.toMatch(/secret|hunter2|\$6\$/);
  });

  it('a hash of too many rounds, without computing them', async () => {
    const { device, nms } = await rig.dial();
    const hash = passwordHash.replace('$6$', '$6$rounds=999999999$');
    const users = [{ name: 'by-password', passwordHash: hash }];
    const outcome = rig.serve(device, { users }).catch((error: unknown) => error);
    await attempt(nms, 'by-password', [rightPassword]);
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
  });

  it('a change of the password', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device, { users: [byPassword] }).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    client.on('handshake', () => {
      const protocol = internals(client, '_protocol');
      // RFC 4252 §8: the old password and the new one.
      Object.assign(protocol, {
        authPassword(username: string) {
          const text = (value: string) => {
            const length = Buffer.alloc(4);
            length.writeUInt32BE(value.length);
            return Buffer.concat([length, Buffer.from(value)]);
          };
          const payload = Buffer.concat([
            Buffer.from([50]),
            ...[username, 'ssh-connection', 'password'].map(text),
            Buffer.from([1]),
            ...['secret', 'other'].map(text),
          ]);
          const writer = internals(protocol, '_packetRW', 'write');
          const alloc = Reflect.get(writer, 'alloc') as (size: number) => Buffer;
          const finalize = Reflect.get(writer, 'finalize') as (packet: Buffer) => Buffer;
          const packet = alloc.call(writer, payload.length);
          packet.set(payload, Number(writer['allocStart']));
          (Reflect.get(protocol, '_authsQueue') as string[]).push('password');
          const cipher = internals(protocol, '_cipher');
          (Reflect.get(cipher, 'encrypt') as (packet: Buffer) => void).call(
            cipher,
            finalize.call(writer, packet),
          );
        },
      });
    });
    client.connect({ sock: nms, username: 'by-password', password: 'secret', hostVerifier: () => true });
    expect(await outcome).toMatchObject({
      code: 'CALLHOME_AUTHENTICATION_FAILED',
      message: expect.stringContaining('not changed'),
    });
  });
});

describe("what the agent's SSH server offers", () => {
  const answersTo = async (
    name: string,
    methods: Method[],
    users: SshUser[] = [byKey, byPassword, byBoth],
  ) => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device, { users }).catch(() => undefined);
    const { answers } = await attempt(nms, name, methods);
    await outcome;
    return answers;
  };

  it('is what the user has still to pass', async () => {
    expect(await answersTo('by-key', [nothing])).toEqual([{ left: ['publickey'], partial: false }]);
    expect(await answersTo('by-password', [nothing])).toEqual([{ left: ['password'], partial: false }]);
    expect(await answersTo('by-both', [nothing, rightKey, wrongPassword])).toEqual([
      { left: ['publickey', 'password'], partial: false },
      { left: ['password'], partial: true },
      { left: ['password'], partial: false },
    ]);
    expect(await answersTo('by-both', [rightPassword])).toEqual([{ left: ['publickey'], partial: true }]);
  });

  it('does not tell whether a user exists', async () => {
    for (const user of [byKey, byPassword, byBoth]) {
      const tries = [nothing, wrongKey, wrongPassword];
      const known = await answersTo(user.name, tries, [user]);
      expect(await answersTo('nobody', tries, [user])).toEqual(known);
    }
    const names = Array.from({ length: 3 }, (_, index) => `nobody${index}`);
    for (const name of names) {
      const [first] = await answersTo(name, [nothing]);
      expect([['publickey'], ['password'], ['publickey', 'password']]).toContainEqual(first?.left);
      expect(await answersTo(name, [nothing])).toEqual([first]);
    }
  });

  it('takes as long for a user that does not exist', async () => {
    const users = [{ name: 'by-password', passwordHash: passwordHash.replace('$6$', '$6$rounds=200000$') }];
    const time = async (name: string) => {
      const before = performance.now();
      await answersTo(name, [wrongPassword], users);
      return performance.now() - before;
    };
    const known = await time('by-password');
    const unknown = await time('nobody');
    expect(unknown).toBeGreaterThan(known / 3);
    expect(unknown).toBeLessThan(known * 3);
  });
});

describe("the agent's SSH server, while it verifies a password,", () => {
  const users = [{ name: 'by-password', passwordHash: slowHash }];

  it('gives up in time', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig
      .serve(device, { users, handshakeTimeoutSeconds: 0.5 })
      .catch((error: unknown) => error);
    const { client } = await attempt(nms, 'by-password', [rightPassword]);
    expect(await outcome).toMatchObject({ code: 'CALLHOME_HANDSHAKE_TIMEOUT' });
    client.end();
  });

  it('does not let in who has gone, and serves the next at once', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device, { users }).catch((error: unknown) => error);
    let trying: Promise<unknown> = Promise.resolve();
    await new Promise<void>((tried) => {
      trying = attempt(nms, 'by-password', [rightPassword], tried);
    });
    await expect.poll(() => nms.bytesWritten - device.bytesRead).toBe(0);
    nms.destroy();
    expect(await outcome).toMatchObject({ code: expect.stringMatching(/PEER_CLOSED|CONNECTION_LOST/) });
    await trying;
    const next = await rig.dial();
    const serving = rig.serve(next.device, { users: [byPassword] });
    const { client } = await attempt(next.nms, 'by-password', [rightPassword]);
    expect((await serving).user).toBe('by-password');
    client.end();
  });

  it('takes further requests without harm', async () => {
    const { device, nms } = await rig.dial();
    const gone = closed(nms);
    const outcome = rig.serve(device, { users: [byBoth] }).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    const authHandler: AuthHandlerMiddleware = () => {
      const protocol = internals(client, '_protocol');
      // It goes by no answer.
      Object.assign(internals(protocol, '_handlers'), { USERAUTH_FAILURE: () => undefined });
      const send = (name: string, ...args: unknown[]) =>
        (Reflect.get(protocol, name) as (...args: unknown[]) => void).call(protocol, 'by-both', ...args);
      send('authPassword', 'hunter2');
      for (let i = 0; i < 3; i += 1) {
        send('authPK', signer(userKey));
        send('authNone');
        send('authPassword', 'hunter2');
      }
    };
    client.connect({ sock: nms, username: 'by-both', authHandler, hostVerifier: () => true });
    await gone;
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
  });

  it('ends who asks without end whether a key would do', async () => {
    const { device, nms } = await rig.dial();
    const gone = closed(nms);
    const outcome = rig.serve(device, { users: [byKey] }).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    let accepted = 0;
    const authHandler: AuthHandlerMiddleware = () => {
      const protocol = internals(client, '_protocol');
      const ask = () =>
        (Reflect.get(protocol, 'authPK') as (...args: unknown[]) => void).call(
          protocol,
          'by-key',
          signer(userKey),
        );
      Object.assign(internals(protocol, '_handlers'), {
        USERAUTH_PK_OK: () => {
          accepted += 1;
          if (accepted < 1000) ask();
        },
      });
      ask();
    };
    client.connect({ sock: nms, username: 'by-key', authHandler, hostVerifier: () => true });
    expect(await Promise.race([outcome, gone])).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(accepted).toBeLessThanOrEqual(20);
    client.end();
  });

  it('lets in who tries five other keys, and asks what is offered, before the right ones', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { users: [byBoth] });
    const others = Array.from({ length: 5 }, () => wrongKey);
    const methods = [nothing, ...others, rightKey, nothing, rightPassword];
    const { client } = await attempt(nms, 'by-both', methods);
    expect((await serving).user).toBe('by-both');
    client.end();
  });

  it('ends after six refusals', async () => {
    const { device, nms } = await rig.dial();
    const gone = closed(device);
    const outcome = rig.serve(device, { users: [byPassword] }).catch((error: unknown) => error);
    const { answers } = await attempt(nms, 'by-password', Array(20).fill(wrongPassword));
    expect(await outcome).toMatchObject({ code: 'CALLHOME_AUTHENTICATION_FAILED' });
    expect(answers.length).toBeLessThanOrEqual(6);
    await gone;
  });
});

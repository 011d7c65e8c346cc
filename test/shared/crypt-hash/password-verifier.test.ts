import { hashPassword } from '@callhome/shared/crypt-hash/crypt-hash.js';
import { passwordVerifier } from '@callhome/shared/crypt-hash/password-verifier.js';
import { describe, expect, it } from 'vitest';

const limits = { threads: 1, waiting: 8, timeoutSeconds: 10 };
const never = new AbortController().signal;

/** As slow as a hash may be: seconds. */
const slow = hashPassword('secret').replace('$6$', '$6$rounds=1000000$');

describe('the verifier of passwords', () => {
  it('tells right from wrong', async () => {
    const verify = passwordVerifier(limits);
    const hash = hashPassword('secret');
    const verdicts = ['secret', 'Secret', ''].map((password) => verify(password, hash, never));
    expect(await Promise.all(verdicts)).toEqual([true, false, false]);
  });

  it('gives up what takes too long, and goes on', async () => {
    const verify = passwordVerifier({ ...limits, timeoutSeconds: 0.5 });
    const late = expect(verify('secret', slow, never)).rejects.toMatchObject({
      code: 'CALLHOME_PASSWORD_UNVERIFIED',
      message: expect.stringContaining('more than 0.5 s'),
    });
    expect(await verify('secret', hashPassword('secret'), never)).toBe(true);
    await late;
  });

  it('leaves the main thread to others', async () => {
    const verify = passwordVerifier({ ...limits, timeoutSeconds: 0.3 });
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    await verify('secret', slow, never).catch(() => undefined);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(5);
  });

  it('turns away more than may wait', async () => {
    const verify = passwordVerifier({ ...limits, waiting: 1 });
    const hash = hashPassword('secret');
    const [first, second, third] = [1, 2, 3].map(() => verify('secret', hash, never));
    await expect(third).rejects.toMatchObject({ message: expect.stringContaining('too many') });
    expect(await Promise.all([first, second])).toEqual([true, true]);
  });

  it('stops for a connection that has ended, whether it waits, runs or comes', async () => {
    const verify = passwordVerifier(limits);
    const connection = new AbortController();
    const running = verify('secret', slow, connection.signal);
    const waiting = verify('secret', slow, connection.signal);
    const next = verify('secret', hashPassword('secret'), never);
    connection.abort();
    const ended = { code: 'CALLHOME_PASSWORD_UNVERIFIED' };
    await expect(running).rejects.toMatchObject(ended);
    await expect(waiting).rejects.toMatchObject(ended);
    await expect(verify('secret', slow, connection.signal)).rejects.toMatchObject(ended);
    // It does not wait for one that nobody waits for.
    const other = new AbortController();
    const asSlow = passwordVerifier(limits)('secret', slow, other.signal).then(() => 'the slow one');
    expect(await Promise.race([next, asSlow])).toBe(true);
    other.abort();
    await expect(asSlow).rejects.toMatchObject(ended);
  });
});

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRig, logIn, subsystem } from './rig.js';

const rig = createRig();

describe('the end of a connection', () => {
  it('is in order when its sessions were closed before', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    const connection = await serving;
    const channel = await subsystem(client);
    const over = once(channel, 'close');
    channel.resume().end();
    channel.close();
    await over;
    client.end();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_PEER_CLOSED' });
    expect(connection.sessions).toMatchObject({ closedInOrder: true, total: 1 });
  });

  const asked =
    '<rpc message-id="7"><nc:close-session xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"/></rpc>';
  it.each([
    ['closes the connection', [asked], (nms: Socket) => nms.destroy()],
    ['resets the connection', [asked], (nms: Socket) => nms.resetAndDestroy()],
    [
      'has asked in chunks',
      [`\n#${asked.length - 12}\n${asked.slice(0, 30)}`, `\n#12\n${asked.slice(30)}\n##\n`],
      (nms: Socket) => nms.destroy(),
    ],
    [
      'has asked in pieces, and much before',
      [`${'x'.repeat(30_000)}<rpc><clo`, 'se-session></close-session></rpc>'],
      (nms: Socket) => nms.destroy(),
    ],
  ])('is in order when the peer asks for the end of its session, and then %s', async (_what, said, leave) => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    const connection = await serving;
    const channel = await subsystem(client);
    const [own] = rig.channels;
    for (const piece of said) {
      channel.write(piece);
      if (own) await once(own, 'readable');
      own?.read();
    }
    leave(nms);
    await connection.ended;
    expect(connection.sessions.closedInOrder).toBe(true);
  });

  it('is not in order when one session is asked to end and another is open', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    const connection = await serving;
    const channel = await subsystem(client);
    await subsystem(client);
    channel.write(asked);
    const [own] = rig.channels;
    if (own) await once(own, 'readable');
    nms.destroy();
    await connection.ended;
    expect(connection.sessions.closedInOrder).toBe(false);
  });

  it.each([
    ['a session is open', 1],
    ['there was no session', 0],
  ] as const)('is not in order when %s', async (_what, sessions) => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    const connection = await serving;
    if (sessions > 0) await subsystem(client);
    client.end();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_PEER_CLOSED' });
    expect(connection.sessions).toMatchObject({ closedInOrder: false, total: sessions });
  });
});

describe('an idle timeout', () => {
  it('ends a connection without messages, keep-alives or not', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, {
      idleTimeoutSeconds: 2,
      keepalive: { maxWaitSeconds: 1, maxAttempts: 3 },
    });
    await logIn(nms);
    const { ended } = await serving;
    expect(await ended).toMatchObject({ code: 'CALLHOME_IDLE', facts: { seconds: 2 } });
  });

  it('counts from the last message, in either direction', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { idleTimeoutSeconds: 2 });
    const client = await logIn(nms);
    const { ended } = await serving;
    const started = performance.now();
    const channel = await subsystem(client);
    channel.resume();
    const [own] = rig.channels;
    // for longer than the timeout
    for (let said = 0; performance.now() - started < 3000; said++) {
      if (said % 2 === 0) channel.write('x');
      else own?.write('y');
      own?.read();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await ended).toMatchObject({ code: 'CALLHOME_IDLE' });
    expect(performance.now() - started).toBeGreaterThan(4000);
  });
});

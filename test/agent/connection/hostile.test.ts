import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { number, send } from '../../shared/ssh/raw-message.js';
import { closed, createRig, internals, logIn, subsystem } from './rig.js';

const rig = createRig();

describe("the agent's SSH server, with a peer that", () => {
  it.each([
    ['nothing', ''],
    ['half an identification', 'SSH-2.0-half'],
    ['nothing after its identification', 'SSH-2.0-whole\r\n'],
  ])('says %s, gives up in time', async (_what, text) => {
    const { device, nms } = await rig.dial();
    const gone = closed(nms);
    nms.resume().write(text);
    await expect(rig.serve(device, { handshakeTimeoutSeconds: 0.1 })).rejects.toMatchObject({
      code: 'CALLHOME_HANDSHAKE_TIMEOUT',
    });
    await gone;
  });

  it.each([
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n'],
    ['zeros', '\0\0\0\0'],
    ['an empty line', '\r\n'],
    ['an endless identification', `SSH-2.0-${'x'.repeat(1000)}\r\n`],
    ['SSH 1', 'SSH-1.5-old\r\n'],
  ])('talks %s, is cut off', async (_what, text) => {
    const { device, nms } = await rig.dial();
    const gone = closed(nms);
    nms.resume().write(text);
    await expect(rig.serve(device)).rejects.toMatchObject({ code: 'CALLHOME_IDENTIFICATION_INVALID' });
    await gone;
  });

  it('sends garbage after its identification, is cut off', async () => {
    const { device, nms } = await rig.dial();
    const gone = closed(nms);
    nms.resume().write(`SSH-2.0-x\r\n${'garbage'.repeat(10_000)}`);
    await expect(rig.serve(device)).rejects.toMatchObject({ code: 'CALLHOME_HANDSHAKE_FAILED' });
    await gone;
  });

  it('floods before its identification, is cut off after a few bytes', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device).catch((error: unknown) => error);
    const block = Buffer.alloc(64 * 1024, 'S');
    nms.resume();
    while (!nms.destroyed && nms.bytesWritten < 1024 ** 3) {
      if (!nms.write(block))
        await new Promise((resolve) => nms.once('drain', resolve).once('close', resolve));
    }
    expect(await outcome).toMatchObject({ code: 'CALLHOME_IDENTIFICATION_INVALID' });
    expect(device.bytesRead).toBeLessThan(1024 * 1024);
  });

  it('asks without end before it logs in and reads no answer, is cut off', async () => {
    const { device, nms } = await rig.dial();
    const outcome = rig.serve(device).catch((error: unknown) => error);
    const client = new Client();
    client.on('error', () => undefined);
    // It never asks to log in.
    client.connect({ sock: nms, username: 'x', authHandler: () => undefined, hostVerifier: () => true });
    await once(client, 'handshake');
    nms.pause();
    const protocol = internals(client, '_protocol');
    const ask = protocol['ping'] as unknown as () => void;
    for (let asked = 0; asked < 2_000_000 && !device.destroyed; asked += 1) {
      ask.call(protocol);
      if (asked % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await outcome).toMatchObject({ code: 'CALLHOME_TRAFFIC_USELESS' });
  });

  it("ignores the channel's window, is cut off with what it sent bounded", async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    const channel = await subsystem(client);
    Object.assign(internals(channel, 'outgoing'), { window: Number.MAX_SAFE_INTEGER });
    const { ended } = await serving;
    // Never exactly the window, at which ssh2 would drop what comes.
    const block = Buffer.alloc(1024 * 1024 - 1);
    const send = (): void => {
      if (!nms.destroyed) channel.write(block, () => setImmediate(send));
    };
    send();
    expect(await ended).toMatchObject({ code: 'CALLHOME_BUFFER_EXCEEDED' });
    expect(rig.channels[0]?.readableLength).toBeLessThan(16 * 1024 * 1024);
  });

  it('grants a huge window and stops reading, is written to no more than the socket takes', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    await subsystem(client);
    const [channel] = rig.channels;
    Object.assign(internals(channel, 'outgoing'), { window: Number.MAX_SAFE_INTEGER });
    nms.pause();
    let taken = 0;
    const push = (): void => {
      channel?.write(Buffer.alloc(256 * 1024), () => {
        taken += 1;
        push();
      });
    };
    push();
    await expect.poll(() => device.writableNeedDrain).toBe(true);
    const before = taken;
    await expect.poll(() => device.writableNeedDrain, { interval: 100 }).toBe(true);
    expect(taken).toBe(before);
    expect(device.writableLength).toBeLessThan(1024 * 1024);
    client.end();
  });

  it('takes packets of no bytes, is cut off instead of written to for ever', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    const connection = await serving;
    const protocol = internals(client, '_protocol');
    const session = Reflect.get(protocol, 'session') as (id: number, window: number, packet: number) => void;
    Object.assign(protocol, {
      session: (id: number, window: number) => session.call(protocol, id, window, 0),
    });
    subsystem(client).catch(() => undefined);
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_PROTOCOL' });
  });

  it('asks for a second subsystem on one session, is refused', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    const channel = await subsystem(client);
    const protocol = internals(client, '_protocol');
    const refused = new Promise((resolve) => {
      (internals(channel)['_callbacks'] as unknown as unknown[]).push(resolve);
    });
    (protocol['subsystem'] as unknown as (id: unknown, name: string, reply: boolean) => void).call(
      protocol,
      internals(channel, 'outgoing')['id'],
      'netconf',
      true,
    );
    expect(await refused).toBe(true);
    channel.write('x');
    await expect.poll(() => rig.channels[0]?.readableLength).toBe(1);
    expect(rig.channels).toHaveLength(1);
    client.end();
  });

  it('asks for another subsystem and wants no answer, stays connected', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    const [open, request, noAnswer] = [90, 98, 0];
    send(client, open, 'session', number(77), number(1 << 20), number(1 << 15));
    send(client, request, number(0), 'subsystem', noAnswer, 'sftp');
    await subsystem(client);
    client.end();
  });

  it('grants its window byte by byte, gets all of it', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    const channel = await subsystem(client);
    const [served] = rig.channels;
    Object.assign(internals(served, 'outgoing'), { window: 0 });
    const protocol = internals(client, '_protocol');
    const grant = (bytes: number): void =>
      (protocol['channelWindowAdjust'] as unknown as (id: unknown, bytes: number) => void).call(
        protocol,
        internals(channel, 'outgoing')['id'],
        bytes,
      );
    let received = 0;
    channel.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    const written = new Promise((resolve) => served?.write(Buffer.alloc(200_000), resolve));
    for (let i = 0; i < 20_000; i += 1) grant(1);
    await expect.poll(() => received, { timeout: 60_000 }).toBe(20_000);
    grant(1_000_000);
    await written;
    await expect.poll(() => received).toBe(200_000);
    client.end();
  });

  it('begins a key exchange and does not go on, is written to no more', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    await subsystem(client);
    const protocol = internals(client, '_protocol');
    (protocol['rekey'] as unknown as () => void).call(protocol);
    // It says no more from here on.
    nms.removeAllListeners('data');
    const [served] = rig.channels;
    const server = internals(served, '_client', '_protocol');
    await expect.poll(() => server['_kexinit']).toBeDefined();
    let taken = 0;
    const push = (): void => {
      served?.write(Buffer.alloc(64 * 1024), () => {
        taken += 1;
        if (taken < 1000) push();
      });
    };
    push();
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBe(0);
    nms.destroy();
  });

  it('closes a session in which it never asked for a subsystem, is answered', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    await expect(subsystem(client, 'none')).rejects.toThrow();
    const [channel] = Object.values(internals(client, '_chanMgr', '_channels'));
    expect(channel).toBeDefined();
    const over = new Promise((resolve) => (channel as unknown as NodeJS.EventEmitter).once('close', resolve));
    (channel as unknown as { resume(): { close(): void } }).resume().close();
    await over;
    client.end();
  });

  it('closes a session whose input nobody reads, leaves none behind', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    const channel = await subsystem(client);
    rig.channels[0]?.pipe(new PassThrough({ highWaterMark: 1 }));
    channel.write(Buffer.alloc(500_000));
    await expect.poll(() => rig.channels[0]?.readableLength).toBeGreaterThan(0);
    const over = new Promise((resolve) => rig.channels[0]?.once('close', resolve));
    channel.resume().close();
    await over;
    client.end();
  });

  it('vanishes with its request unread, leaves no session behind', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device);
    const client = await logIn(nms);
    await serving;
    const channel = await subsystem(client);
    rig.channels[0]?.pipe(new PassThrough({ highWaterMark: 1 }));
    channel.write(Buffer.alloc(500_000));
    await expect.poll(() => rig.channels[0]?.readableLength).toBeGreaterThan(0);
    const over = new Promise((resolve) => rig.channels[0]?.once('close', resolve));
    nms.destroy();
    await over;
  });

  it('vanishes, is cut off by the keep-alive', async () => {
    const { device, nms } = await rig.dial();
    const serving = rig.serve(device, { keepalive: { maxWaitSeconds: 0.1, maxAttempts: 2 } });
    await logIn(nms);
    const connection = await serving;
    nms.pause();
    expect(await connection.ended).toMatchObject({ code: 'CALLHOME_PEER_VANISHED' });
    expect(device.destroyed).toBe(true);
  });
});

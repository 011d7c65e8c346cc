import { frameMessage } from '@callhome/shared/netconf/framing.js';
import { base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import type { Connection, ServerChannel, Session } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { number, send } from '../../shared/ssh/raw-message.js';
import { closed, createRig, serve } from './rig.js';

const rig = createRig();
const healthyKey = generateKeyPair();

function member(owner: unknown, name: string): unknown {
  return Reflect.get(Object(owner), name);
}

/** The number of a session's channel, as its peer knows it. */
function channelOf(session: Session): Buffer {
  return number(Number(member(member(member(session, '_chanInfo'), 'outgoing'), 'id')));
}

const [globalRequest, ignore, data, extendedData, eof] = [80, 2, 94, 95, 96];
const standardError = number(1);

/** Calls the collector as the device that it knows, and repeats something on the connection until that is cut off. */
async function flood(say: (connection: Connection, channel: Buffer) => void, answer = true): Promise<void> {
  const socket = await rig.call();
  const over = closed(socket);
  serve(socket, {
    onConnection(connection) {
      connection.on('session', (acceptSession) => {
        const session = acceptSession();
        session.on('subsystem', (accept) => answer && accept());
        const id = channelOf(session);
        const go = (): void => {
          for (let times = 0; times < 100 && !socket.destroyed; times += 1) say(connection, id);
          if (socket.destroyed) return;
          if (socket.writableNeedDrain) socket.once('drain', go);
          else setImmediate(go);
        };
        go();
      });
    },
  });
  await over;
}

describe('a device that sends without end', () => {
  const keys = 'x'.repeat(2000);
  it.each([
    ['global requests', true, (to: Connection) => send(to, globalRequest, 'keepalive@openssh.com', 1)],
    ['its host keys', true, (to: Connection) => send(to, globalRequest, 'hostkeys-00@openssh.com', 1, keys)],
    ['what is to be ignored', true, (to: Connection) => send(to, ignore, keys)],
    ['nothing, in messages', true, (to: Connection, id: Buffer) => send(to, data, id, '')],
    [
      'text on standard error',
      true,
      (to: Connection, id: Buffer) => send(to, extendedData, id, standardError, keys),
    ],
    [
      'text on standard error before it answers for the subsystem',
      false,
      (to: Connection, id: Buffer) => send(to, extendedData, id, standardError, keys),
    ],
    [
      'text on the standard error of no channel',
      true,
      (to: Connection) => send(to, extendedData, number(99), standardError, ''),
    ],
  ])('%s is cut off, and nobody else', async (_what, answer, say) => {
    await rig.start();
    await rig.addDevice('healthy', healthyKey);
    const connected = rig.logged('device connected');
    serve(await rig.call(), { key: healthyKey });
    await connected;
    const failed = rig.logged('CALLHOME_TRAFFIC_USELESS');
    await flood(say, answer);
    await failed;
    expect(await rig.ask('healthy')).toContain('<ok/>');
  });
});

describe('a device whose NETCONF is', () => {
  const hello = frameMessage(helloMessage({ capabilities: [base11], sessionId: 1 }), 'end-of-message');
  const notification = frameMessage(
    `<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">${'<a/>'.repeat(7000)}</notification>`,
    'chunked',
  );
  const deepHello = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">${'<a>'.repeat(600_000)}]]>]]>`;
  const sayWithoutEnd = (channel: ServerChannel, message: Buffer): void => {
    const go = (): void => {
      while (channel.writable && channel.write(message));
      if (channel.writable) channel.once('drain', go);
    };
    go();
  };
  it.each([
    [
      'notifications without end',
      'notifications',
      (channel: ServerChannel) => {
        channel.write(hello);
        channel.once('data', () => sayWithoutEnd(channel, notification));
      },
    ],
    ['a deep hello', 'elements more than 16 deep', (channel: ServerChannel) => void channel.write(deepHello)],
  ])('%s is cut off, and nobody else', async (_what, why, onChannel) => {
    await rig.start();
    await rig.addDevice('healthy', healthyKey);
    const connected = rig.logged('device connected');
    serve(await rig.call(), { key: healthyKey });
    await connected;
    const socket = await rig.call();
    const over = closed(socket);
    serve(socket, { onChannel });
    await over;
    await rig.settled();
    expect(rig.lines().some((line) => line.includes(why))).toBe(true);
    expect(await rig.ask('healthy')).toContain('<ok/>');
  });
});

describe('what comes behind the end of a channel', () => {
  it.each([
    [
      'on standard error',
      true,
      (to: Connection, id: Buffer) => send(to, extendedData, id, standardError, 'x'),
    ],
    ['as data', true, (to: Connection, id: Buffer) => send(to, data, id, 'x')],
    [
      'on standard error before the subsystem is answered for',
      false,
      (to: Connection, id: Buffer) => send(to, extendedData, id, standardError, 'x'),
    ],
    [
      'as data before the subsystem is answered for',
      false,
      (to: Connection, id: Buffer) => send(to, data, id, 'x'),
    ],
  ])('%s ends nobody', async (_what, answer, say) => {
    await rig.start();
    let later: () => void = () => undefined;
    const said = new Promise<void>((resolve) => {
      later = resolve;
    });
    serve(await rig.call(), {
      onConnection(connection) {
        connection.on('session', (acceptSession) => {
          const session = acceptSession();
          session.on('subsystem', (accept) => answer && accept());
          const id = channelOf(session);
          send(connection, eof, id);
          say(connection, id);
          later();
        });
      },
    });
    await said;
    const connected = rig.logged('device connected');
    serve(await rig.call());
    await connected;
  });
});

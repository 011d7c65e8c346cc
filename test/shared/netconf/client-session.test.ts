import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openClientSession } from '@callhome/shared/netconf/client-session.js';
import { base10, base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { parseElement } from '@callhome/shared/xml/element.js';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { code, connect, endWithTest, framings, ns, readAll, reply, scriptedDevice } from './client-rig.js';
import { duplexPair } from './duplex-pair.js';

describe('the hello', () => {
  it('is sent at once, without a session-id', async () => {
    const [near, far] = duplexPair();
    const device = scriptedDevice(far, 'chunked');
    const opening = openClientSession(near);
    const hello = await device.next();
    expect(hello).toContain(base11);
    expect(hello).not.toContain('session-id');
    far.destroy();
    await expect(opening).rejects.toEqual(code('CALLHOME_PEER_CLOSED'));
  });

  it.each(framings)('leads to %s framing, banner or not', async (framing) => {
    const [near, far] = duplexPair();
    const device = scriptedDevice(far, framing);
    const opening = openClientSession(near);
    device.raw('Welcome to <router> & co.\r\n<!-- user ops -->\n');
    device.hello();
    const session = endWithTest(await opening);
    expect(session).toMatchObject({ framing, sessionId: 7 });
  });

  it('may be that of old Junos, which leaves namespaces out and adds comments', async () => {
    const [near, far] = duplexPair();
    const device = scriptedDevice(far, 'end-of-message');
    const opening = openClientSession(near);
    device.raw(
      '<!-- No zombies were killed during the creation of this user interface -->\n<hello>\n<capabilities>' +
        '<capability>urn:ietf:params:xml:ns:netconf:base:1.0</capability></capabilities>' +
        '<session-id>3600</session-id></hello>\n]]>]]>\n<!-- user ops -->\n',
    );
    const session = endWithTest(await opening);
    expect(session).toMatchObject({ framing: 'end-of-message', sessionId: 3600 });
    await device.next();
    const answer = session.request('<get/>');
    const id = await device.nextId();
    device.say(
      `<rpc-reply message-id="${id}"><rpc-error><error-tag>in-use</error-tag></rpc-error></rpc-reply>`,
    );
    expect((await answer).errors).toMatchObject([{ tag: 'in-use' }]);
  });

  it.each([
    ['nothing', '', 'CALLHOME_HANDSHAKE_TIMEOUT'],
    ['half a hello', '<hello', 'CALLHOME_HANDSHAKE_TIMEOUT'],
    ['another message', '<rpc-reply/>]]>]]>', 'CALLHOME_HELLO'],
    ['no session-id', `${helloMessage({ capabilities: [base10] })}]]>]]>`, 'CALLHOME_HELLO'],
    ['no base', `${helloMessage({ capabilities: ['urn:x'], sessionId: 1 })}]]>]]>`, 'CALLHOME_HELLO'],
    ['bad XML', '<hello></hell>]]>]]>', 'CALLHOME_XML'],
    ['noise', 'x'.repeat(100_000), 'CALLHOME_HELLO'],
    ['a document type', '<?xml version="1.0"?><!DOCTYPE hello><hello/>]]>]]>', 'CALLHOME_XML'],
  ])('refuses %s', async (_name, bytes, expected) => {
    const [near, far] = duplexPair();
    far.resume().on('error', () => undefined);
    const helloTimeoutMs = expected === 'CALLHOME_HANDSHAKE_TIMEOUT' ? 50 : 30_000;
    const opening = openClientSession(near, { helloTimeoutMs });
    if (bytes !== '') far.write(bytes);
    await expect(opening).rejects.toEqual(code(expected));
    expect(near.destroyed).toBe(true);
  });

  it('is read in turns with others, however much of it comes at once', async () => {
    const [near, far] = duplexPair();
    far.resume().on('error', () => undefined);
    const opening = openClientSession(near);
    let state: 'reading' | 'over' = 'reading';
    const over = opening
      .catch((error: unknown) => error)
      .finally(() => {
        state = 'over';
      });
    const capability = `<capability>urn:x${'<a/>'.repeat(200)}</capability>`;
    far.write(Buffer.from(`<hello ${ns}><capabilities>${capability.repeat(99)}</capabilities>]]>]]>`));
    let turns = 0;
    while (state === 'reading') {
      await nextTurn();
      turns += 1;
    }
    expect(turns).toBeGreaterThan(3);
    expect(await over).toEqual(code('CALLHOME_XML'));
  });

  it('fails on a stream that is closed already', async () => {
    const [near] = duplexPair();
    near.destroy();
    await expect(openClientSession(near)).rejects.toEqual(code('CALLHOME_PEER_CLOSED'));
  });
});

describe('a broken stream of messages', () => {
  it('never does anything but end the session, with a reason', async () => {
    const fragment = fc.constantFrom(
      '<rpc-reply',
      ' message-id="1"',
      ' xmlns="',
      ns,
      '>',
      '</rpc-reply>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&#1;',
      '<?xml',
      '?>',
      ']]>]]>',
      '\n#5\n',
      '\n##\n',
      '<rpc-error>',
      'é',
    );
    const garbage = fc.array(
      fc.oneof(
        fragment.map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 10 }).map((bytes) => Buffer.from(bytes)),
      ),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(garbage, fc.constantFrom(...framings), async (pieces, framing) => {
        const { session, device } = await connect(framing);
        const answer = session.request('<get/>').then(
          (whole) => whole.xml,
          (error: unknown) => error,
        );
        await device.next();
        for (const piece of pieces) device.raw(piece);
        device.duplex.end();
        const reason = await session.closed;
        expect(reason).toMatchObject({ name: 'CallhomeError' });
        const outcome = await answer;
        if (typeof outcome === 'string') parseElement(outcome);
        else expect(outcome).toMatchObject({ name: 'CallhomeError' });
      }),
    );
  });

  it.each([
    ['a bad chunk', 'chunked', '\n#0\n', 'CALLHOME_FRAMING'],
    ['garbage', 'chunked', '<rpc-reply/>', 'CALLHOME_FRAMING'],
    ['an unknown message', 'end-of-message', '<rpc/>]]>]]>', 'CALLHOME_PROTOCOL'],
    ['a second hello', 'end-of-message', `<hello ${ns}/>]]>]]>`, 'CALLHOME_PROTOCOL'],
    ['an empty message', 'end-of-message', ']]>]]>', 'CALLHOME_PROTOCOL'],
    [
      'a reply in another namespace',
      'end-of-message',
      '<rpc-reply xmlns="urn:x"/>]]>]]>',
      'CALLHOME_PROTOCOL',
    ],
    ['text', 'end-of-message', 'error: out of memory\n]]>]]>', 'CALLHOME_XML'],
    ['a document type', 'end-of-message', '<!DOCTYPE a><rpc-reply/>]]>]]>', 'CALLHOME_XML'],
    ['bad UTF-8', 'end-of-message', Buffer.from([0xff]), 'CALLHOME_XML'],
    ['a prolog without an end', 'end-of-message', ' '.repeat(100_000), 'CALLHOME_MESSAGE_TOO_LARGE'],
  ] as const)('ends the session: %s', async (_name, framing, bytes, expected) => {
    const { session, device, near } = await connect(framing);
    const pending = session.request('<get/>');
    pending.catch(() => undefined);
    device.raw(typeof bytes === 'string' ? bytes : Buffer.from(bytes));
    expect(await session.closed).toEqual(code(expected));
    await expect(pending).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
    expect(near.destroyed).toBe(true);
  });
});

describe('the end of a session', () => {
  it('leaves no timer behind, nor does anything that is over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { session, device } = await connect('chunked');
      expect(vi.getTimerCount()).toBe(0);
      const answer = session.request('<get/>');
      const streaming = session.stream('<get/>');
      expect(vi.getTimerCount()).toBe(2);
      device.say(reply(await device.nextId(), '<ok/>'));
      device.say(reply(await device.nextId(), 'x'.repeat(1_000_000)));
      await answer;
      await readAll(await streaming);
      expect(vi.getTimerCount()).toBe(0);
      const closing = session.close();
      expect(vi.getTimerCount()).toBe(2);
      device.say(reply(await device.nextId(), '<ok/>'));
      device.duplex.end();
      await closing;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('in order: close-session, its reply, the end', async () => {
    const { session, device, near } = await connect('chunked');
    const pending = session.request('<get/>');
    const closing = session.close();
    const pendingId = await device.nextId();
    const rpc = await device.next();
    expect(rpc).toContain('<close-session/>');
    await expect(session.request('<get/>')).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
    device.say(reply(pendingId, '<ok/>'));
    device.say(reply(/message-id="(\d+)"/.exec(rpc)?.[1] ?? '', '<ok/>'));
    await once(device.duplex, 'end');
    device.duplex.end();
    await closing;
    expect((await pending).xml).toContain('<ok/>');
    expect(await session.closed).toBeUndefined();
    expect(near.destroyed).toBe(true);
    await session.close();
  });

  it('is forced when the device does not answer', async () => {
    const { session, near } = await connect('chunked', { replyTimeoutMs: 30 });
    await session.close();
    expect(near.destroyed).toBe(true);
  });

  it('is in order when the device ends instead of answering', async () => {
    const { session, device } = await connect('chunked');
    const closing = session.close();
    await device.next();
    device.raw('\n#27\n<!-- session end at now -->');
    device.duplex.end();
    await closing;
    expect(await session.closed).toBeUndefined();
  });

  it('can be forced, with a reason', async () => {
    const { session, near } = await connect('chunked');
    const reason = new Error('the connection is replaced');
    session.destroy(reason);
    expect(await session.closed).toBe(reason);
    expect(near.destroyed).toBe(true);
  });

  it('is told with the stream’s error', async () => {
    const { session, near } = await connect('chunked');
    const error = new Error('ECONNRESET');
    near.destroy(error);
    expect(await session.closed).toBe(error);
  });
});

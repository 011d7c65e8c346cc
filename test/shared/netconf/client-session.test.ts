import { getEventListeners, once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type ClientSession,
  type ClientSessionOptions,
  openClientSession,
  type ReplyStream,
} from '@callhome/shared/netconf/client-session.js';
import { createDeframer, type Framing, frameMessage } from '@callhome/shared/netconf/framing.js';
import { base10, base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { hasFailed } from '@callhome/shared/netconf/rpc-error.js';
import { parseElement } from '@callhome/shared/xml/element.js';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { duplexPair, type Segmentation } from './duplex-pair.js';

const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
const framings: readonly Framing[] = ['chunked', 'end-of-message'];
const sessions: ClientSession[] = [];

afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy(new Error('the test is over'));
});

/** A device that says what the test tells it to. */
function scriptedDevice(duplex: Duplex, framing: Framing) {
  const received: string[] = [];
  const waiting: ((message: string) => void)[] = [];
  let pieces: Buffer[] = [];
  const deframer = createDeframer({
    data: (piece) => pieces.push(piece),
    end() {
      const message = Buffer.concat(pieces).toString();
      pieces = [];
      if (message.includes('<hello')) deframer.use(framing);
      const taker = waiting.shift();
      if (taker === undefined) received.push(message);
      else taker(message);
    },
  });
  duplex.on('data', (segment: Buffer) => deframer.push(segment));
  duplex.on('error', () => undefined);
  return {
    duplex,
    raw: (text: string | Buffer) => duplex.write(text),
    hello: () =>
      duplex.write(
        frameMessage(
          helloMessage({ capabilities: framing === 'chunked' ? [base10, base11] : [base10], sessionId: 7 }),
          'end-of-message',
        ),
      ),
    say: (message: string) => duplex.write(frameMessage(message, framing)),
    next: () =>
      new Promise<string>((resolve) => {
        const message = received.shift();
        if (message === undefined) waiting.push(resolve);
        else resolve(message);
      }),
    async nextId(): Promise<string> {
      const rpc = parseElement(await this.next());
      return rpc.attributes.find((attribute) => attribute.name === 'message-id')?.value ?? '';
    },
    received,
  };
}

const reply = (id: string, content: string) => `<rpc-reply ${ns} message-id="${id}">${content}</rpc-reply>`;

async function connect(framing: Framing, options: ClientSessionOptions = {}, segmentation?: Segmentation) {
  const [near, far] = duplexPair(segmentation);
  const device = scriptedDevice(far, framing);
  const opening = openClientSession(near, options);
  device.hello();
  const session = await opening;
  sessions.push(session);
  await device.next();
  return { session, device, near };
}

const code = (name: string) => expect.objectContaining({ code: name });

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
    const session = await opening;
    sessions.push(session);
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
    const session = await opening;
    sessions.push(session);
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

describe.each(framings)('requests (%s)', (framing) => {
  it('are pipelined and matched by message-id, in any order', async () => {
    const { session, device } = await connect(framing);
    const answers = ['<get/>', '<get-config/>', '<validate/>'].map((operation) => session.request(operation));
    const ids = [await device.nextId(), await device.nextId(), await device.nextId()];
    expect(new Set(ids).size).toBe(3);
    for (const index of [2, 0, 1]) device.say(reply(ids[index] ?? '', `<n>${index}</n>`));
    const xml = (await Promise.all(answers)).map((answer) => answer.xml);
    expect(xml).toEqual([0, 1, 2].map((index) => reply(ids[index] ?? '', `<n>${index}</n>`)));
  });

  it('take replies in segments of one byte, with declaration, comments and white space around', async () => {
    const { session, device } = await connect(framing, {}, (bytes) =>
      [...bytes].map((byte) => Buffer.from([byte])),
    );
    const answer = session.request('<get/>');
    const xml = reply(await device.nextId(), '<data>é日本😀<!-- ] ]> --><![CDATA[]]]]></data>');
    device.say(
      `\n<?xml version="1.0" encoding="UTF-8"?>\n<!-- é <rpc-reply> -->\n${xml}\n<!-- session é -->\n`,
    );
    expect((await answer).xml).toBe(xml);
    const second = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await second).errors).toEqual([]);
  });

  it('give errors as data, and warnings beside ok', async () => {
    const { session, device } = await connect(framing);
    const answer = session.request('<commit/>');
    const warning =
      '<rpc-error><error-severity>warning</error-severity><error-message>\nmind\n</error-message></rpc-error>';
    device.say(reply(await device.nextId(), `${warning}<ok/>`));
    const { errors } = await answer;
    expect(errors).toMatchObject([{ severity: 'warning', message: 'mind' }]);
    expect(hasFailed(errors)).toBe(false);
    const second = session.request('<commit/>');
    const inData = '<data><rpc-error/><x><rpc-error/></x></data><rpc-error xmlns="urn:other"/>';
    device.say(
      reply(await device.nextId(), `${warning}<rpc-error><error-tag>in-use</error-tag></rpc-error>${inData}`),
    );
    expect((await second).errors.map((error) => error.tag)).toEqual(['operation-failed', 'in-use']);
  });

  it('drop late, unknown and repeated replies', async () => {
    const { session, device } = await connect(framing);
    const late = session.request('<get/>', { timeoutMs: 20 });
    const lateId = await device.nextId();
    await expect(late).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
    const answer = session.request('<get/>');
    const id = await device.nextId();
    device.say(reply(lateId, '<late/>'));
    device.say(reply('no-such-id', '<unknown/>'));
    device.say(`<rpc-reply ${ns}><anonymous/></rpc-reply>`);
    device.say(reply(id, '<first/>'));
    device.say(reply(id, '<repeated/>'));
    expect((await answer).xml).toContain('<first/>');
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<next/>'));
    expect((await next).xml).toContain('<next/>');
  });

  it('survive a reply that is too large for memory', async () => {
    const { session, device } = await connect(framing, { maxMessage: 1000 });
    const large = session.request('<get/>');
    const small = session.request('<get/>');
    device.say(reply(await device.nextId(), 'x'.repeat(10_000)));
    device.say(reply(await device.nextId(), '<ok/>'));
    await expect(large).rejects.toEqual(code('CALLHOME_MESSAGE_TOO_LARGE'));
    expect((await small).xml).toContain('<ok/>');
  });

  it('survive bad XML inside another reply', async () => {
    const { session, device } = await connect(framing);
    const bad = session.request('<get/>');
    const cutOff = session.request('<get/>');
    const good = session.request('<get/>');
    device.say(reply(await device.nextId(), '<a>\u0001</a>'));
    device.say(reply(await device.nextId(), '<ok/>').slice(0, -5));
    device.say(reply(await device.nextId(), '<ok/>'));
    await expect(bad).rejects.toEqual(code('CALLHOME_XML'));
    await expect(cutOff).rejects.toEqual(code('CALLHOME_XML'));
    expect((await good).xml).toContain('<ok/>');
  });

  it('can be aborted, before and after they are sent', async () => {
    const { session, device } = await connect(framing);
    const aborter = new AbortController();
    const aborted = session.request('<get/>', { signal: aborter.signal });
    const id = await device.nextId();
    aborter.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    await expect(session.request('<get/>', { signal: aborter.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    const next = session.request('<get/>');
    device.say(reply(id, '<late/>'));
    device.say(reply(await device.nextId(), '<next/>'));
    expect((await next).xml).toContain('<next/>');
  });

  it('leave nothing behind at the caller’s signal', async () => {
    const { session, device } = await connect(framing);
    const { signal } = new AbortController();
    const answer = session.request('<get/>', { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    device.say(reply(await device.nextId(), '<ok/>'));
    await answer;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('are not answered before they are sent', async () => {
    const { session, device } = await connect(framing);
    device.duplex.pause();
    const large = session.request(`<a>${'x'.repeat(1_000_000)}</a>`);
    const queued = session.request('<get/>');
    device.say(reply('2', '<guessed/>'));
    device.say(reply('1', '<ok/>'));
    await large;
    device.duplex.resume();
    await device.next();
    device.say(reply(await device.nextId(), '<true/>'));
    expect((await queued).xml).toContain('<true/>');
  });

  it('are refused when they are no operation, and the session goes on', async () => {
    const { session, device } = await connect(framing);
    await expect(session.request('<get/><get/>')).rejects.toEqual(code('CALLHOME_OPERATION_INVALID'));
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    await next;
  });

  it('are all told when the session ends', async () => {
    const { session, device } = await connect(framing);
    const whole = session.request('<get/>');
    const streamed = session.stream('<get/>');
    await device.nextId();
    const id = await device.nextId();
    const framed = frameMessage(reply(id, '<a/>'), framing);
    device.raw(framed.subarray(0, framed.indexOf('<a/>') + 2));
    const outcomes = Promise.allSettled([whole, streamed.then(({ body }) => body.toArray())]);
    device.duplex.destroy();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected' });
    }
    expect(await session.closed).toEqual(code('CALLHOME_PEER_CLOSED'));
    await expect(whole).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
    await expect(session.request('<get/>')).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
  });

  it('wait while the device reads nothing, up to a bound, and are never sent when they are given up', async () => {
    const { session, device } = await connect(framing, { replyTimeoutMs: 20_000 });
    device.duplex.pause();
    const operation = `<a>${'x'.repeat(4 * 1024 * 1024)}</a>`;
    const answers = Array.from({ length: 12 }, () => session.request(operation, { timeoutMs: 300 }));
    const outcomes = await Promise.allSettled(answers);
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? outcome.reason.code : 'answered',
    );
    expect(new Set(reasons)).toEqual(new Set(['CALLHOME_REPLY_TIMEOUT', 'CALLHOME_MESSAGE_TOO_LARGE']));
    device.duplex.resume();
    const next = session.request('<get/>');
    let unanswered = 0;
    for (let message = await device.next(); message.length > 1000; message = await device.next())
      unanswered++;
    expect(unanswered).toBeLessThan(3);
    session.destroy(new Error('enough'));
    await expect(next).rejects.toEqual(code('CALLHOME_SESSION_CLOSED'));
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

describe('notifications', () => {
  const notification = (text: string) =>
    `<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><eventTime>2030-01-01T00:00:00Z</eventTime>${text}</notification>`;

  it('are kept apart from replies', async () => {
    const seen: string[] = [];
    const { session, device } = await connect('chunked', {
      onNotification: (xml) => seen.push(xml),
      maxMessage: 1000,
    });
    const answer = session.request('<get/>');
    device.say(notification('<a/>'));
    device.say(notification('x'.repeat(10_000)));
    device.say(notification('<b></c>'));
    device.say(reply(await device.nextId(), '<ok/>'));
    device.say(notification('<b/>'));
    await answer;
    const last = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    await last;
    expect(seen).toEqual([notification('<a/>'), notification('<b/>')]);
  });

  it('end the session when their handler throws', async () => {
    const error = new Error('a fault of the handler');
    const { session, device } = await connect('chunked', {
      onNotification() {
        throw error;
      },
    });
    device.say(notification('<a/>'));
    expect(await session.closed).toBe(error);
  });

  it('are dropped without a handler', async () => {
    const { session, device } = await connect('chunked');
    const answer = session.request('<get/>');
    device.say(notification('<a/>'));
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await answer).xml).toContain('<ok/>');
  });
});

async function readAll({ body }: ReplyStream): Promise<string> {
  return Buffer.concat(await body.toArray()).toString();
}

describe.each(framings)('a streamed reply (%s)', (framing) => {
  it('begins before it is complete, and ends with its errors', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const xml = reply(id, '<data>é</data><rpc-error><error-tag>in-use</error-tag></rpc-error>');
    const framed = frameMessage(`<?xml version="1.0"?>\n${xml}<!-- end -->\n`, framing);
    const middle = framed.indexOf('<data>');
    device.raw(framed.subarray(0, middle));
    const stream = await streaming;
    device.raw(framed.subarray(middle));
    expect(await readAll(stream)).toBe(xml);
    expect(await stream.errors).toMatchObject([{ tag: 'in-use' }]);
  });

  it('holds the device back while its reader pauses', async () => {
    const { session, device, near } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const piece = `<a>${'x'.repeat(8000)}</a>`;
    const message = frameMessage(reply(id, piece.repeat(1000)), framing);
    let written = 0;
    const sent = (async () => {
      for (let at = 0; at < message.length; at += 16_384) {
        const room = device.raw(message.subarray(at, at + 16_384));
        written = at;
        if (!room) await once(device.duplex, 'drain');
      }
    })();
    const stream = await streaming;
    for (let i = 0; i < 50; i++) await nextTurn();
    expect(near.isPaused()).toBe(true);
    expect(written).toBeLessThan(500_000);
    expect(await readAll(stream)).toBe(reply(id, piece.repeat(1000)));
    await sent;
  });

  it('is dropped when its reader stalls; the session lives', async () => {
    const { session, device } = await connect(framing, { stallTimeoutMs: 30 });
    const streaming = session.stream('<get/>');
    const after = session.request('<get/>');
    const first = reply(await device.nextId(), 'x'.repeat(1_000_000));
    const framed = frameMessage(first, framing);
    for (let at = 0; at < framed.length; at += 10_000) device.raw(framed.subarray(at, at + 10_000));
    device.say(reply(await device.nextId(), '<ok/>'));
    const stream = await streaming;
    await expect(stream.errors).rejects.toEqual(code('CALLHOME_READER_STALLED'));
    await expect(readAll(stream)).rejects.toEqual(code('CALLHOME_READER_STALLED'));
    expect((await after).xml).toContain('<ok/>');
  });

  it('does not keep others from being answered or refused in time, and is not dropped while nobody waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { session, device } = await connect(framing, { stallTimeoutMs: 30_000 });
      const streaming = session.stream('<get/>');
      const framed = frameMessage(reply(await device.nextId(), 'x'.repeat(1_000_000)), framing);
      for (let at = 0; at < framed.length; at += 10_000) device.raw(framed.subarray(at, at + 10_000));
      const stream = await streaming;
      // a person reads the first page: nobody waits
      for (let i = 0; i < 50; i++) await nextTurn();
      vi.advanceTimersByTime(300_000);
      const impatient = session.request('<get/>', { timeoutMs: 10_000 });
      const other = session.request('<get/>');
      const ids = [await device.nextId(), await device.nextId()];
      vi.advanceTimersByTime(10_000);
      await expect(impatient).rejects.toMatchObject({
        code: 'CALLHOME_REPLY_TIMEOUT',
        facts: { seconds: 10, heldUp: 10 },
        message: expect.stringContaining('the reader of another reply'),
      });
      vi.advanceTimersByTime(15_000);
      const read = readAll(stream);
      for (const id of ids) device.say(reply(id, '<ok/>'));
      expect((await other).xml).toContain('<ok/>');
      expect(await read).toHaveLength(1_000_000 + reply('1', '').length);
    } finally {
      vi.useRealTimers();
    }
  });

  it('holds up others no longer for many slow readers than for one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { session, device } = await connect(framing, { stallTimeoutMs: 30_000 });
      const slow = Array.from({ length: 5 }, () => session.stream('<get/>', { timeoutMs: 600_000 }));
      const healthy = session.request('<get/>');
      let answered: 'no' | 'yes' = 'no';
      void healthy.then(() => {
        answered = 'yes';
      });
      for (const _each of slow) device.say(reply(await device.nextId(), `<a/>${'x'.repeat(200_000)}`));
      device.say(reply(await device.nextId(), '<ok/>'));
      let seconds = 0;
      for (; answered === 'no' && seconds < 200; seconds++) {
        for (let i = 0; i < 100; i++) await nextTurn();
        vi.advanceTimersByTime(1000);
      }
      expect(seconds).toBeLessThan(40);
      for (const streaming of slow)
        await expect((await streaming).errors).rejects.toEqual(code('CALLHOME_READER_STALLED'));
    } finally {
      vi.useRealTimers();
    }
  });

  it('can be given up by its reader; the session lives', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const framed = frameMessage(reply(id, 'x'.repeat(1_000_000)), framing);
    device.raw(framed.subarray(0, 500_000));
    const stream = await streaming;
    stream.body.destroy();
    await expect(stream.errors).rejects.toMatchObject({ name: 'AbortError' });
    device.raw(framed.subarray(500_000));
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await next).xml).toContain('<ok/>');
  });

  it('fails when the device falls silent in its middle', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>', { timeoutMs: 30 });
    const framed = frameMessage(reply(await device.nextId(), '<a/>'), framing);
    device.raw(framed.subarray(0, framed.indexOf('<a/>')));
    await expect(readAll(await streaming)).rejects.toEqual(code('CALLHOME_REPLY_TIMEOUT'));
  });

  it('may take longer than the timeout, as long as pieces come', async () => {
    const { session, device } = await connect(framing);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const streaming = session.stream('<get/>', { timeoutMs: 1000 });
      const xml = reply(await device.nextId(), 'x'.repeat(10));
      const framed = frameMessage(xml, framing);
      const start = framed.indexOf('xxx');
      device.raw(framed.subarray(0, start));
      const stream = await streaming;
      const text = readAll(stream);
      for (let at = start; at < start + 10; at++) {
        vi.advanceTimersByTime(900);
        device.raw(framed.subarray(at, at + 1));
        await nextTurn();
      }
      device.raw(framed.subarray(start + 10));
      expect(await text).toBe(xml);
    } finally {
      vi.useRealTimers();
    }
  });

  it('may hold a text of any length, after errors too', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const xml = reply(await device.nextId(), `<rpc-error/><data>${'x'.repeat(3_000_000)}</data>`);
    const framed = frameMessage(xml, framing);
    for (let at = 0; at < framed.length; at += 50_000) device.raw(framed.subarray(at, at + 50_000));
    expect((await readAll(await streaming)).length).toBe(xml.length);
  });

  it('does not hold errors without a bound', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const error = `<rpc-error><error-message>${'x'.repeat(1000)}</error-message></rpc-error>`;
    device.say(reply(await device.nextId(), error.repeat(2000)));
    const { body, errors } = await streaming;
    body.resume();
    await expect(errors).rejects.toEqual(code('CALLHOME_MESSAGE_TOO_LARGE'));
  });

  it('passes 200 MB without holding them', async () => {
    const { session, device } = await connect(framing);
    const streaming = session.stream('<get/>');
    const id = await device.nextId();
    const block = Buffer.from(`<item>${'x'.repeat(1011)}</item>`.repeat(256));
    const blocks = 800;
    const total = blocks * block.length;
    const write = async (bytes: Buffer) => {
      if (!device.raw(bytes)) await once(device.duplex, 'drain');
    };
    let sent = 0;
    let received = 0;
    let mostHeld = 0;
    const sending = (async () => {
      const start = Buffer.from(`<rpc-reply ${ns} message-id="${id}">`);
      const pieces = [start, ...Array.from({ length: blocks }, () => block), Buffer.from('</rpc-reply>')];
      for (const piece of pieces) {
        await write(
          framing === 'chunked' ? Buffer.concat([Buffer.from(`\n#${piece.length}\n`), piece]) : piece,
        );
        sent += piece.length;
      }
      await write(Buffer.from(framing === 'chunked' ? '\n##\n' : ']]>]]>'));
    })();
    const stream = await streaming;
    for await (const piece of stream.body) {
      received += piece.length;
      mostHeld = Math.max(mostHeld, sent - received);
      if (received % 64 === 0) await nextTurn();
    }
    await sending;
    expect(await stream.errors).toEqual([]);
    expect(received).toBeGreaterThan(total);
    expect(mostHeld).toBeLessThan(2_000_000);
  });
});

describe('what nobody waits for', () => {
  const notification =
    '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><a></b></notification>';

  /** Says it until the session is over. */
  async function flood(
    session: ClientSession,
    device: Awaited<ReturnType<typeof connect>>['device'],
    bytes: Buffer,
  ) {
    let state: 'open' | 'over' = 'open';
    const over = session.closed.finally(() => {
      state = 'over';
    });
    while (state === 'open') {
      if (!device.raw(bytes)) await Promise.race([once(device.duplex, 'drain'), over]);
      await nextTurn();
    }
    return over;
  }

  it.each([
    ['notifications', frameMessage(notification, 'chunked')],
    ['replies', frameMessage(reply('x', '<a></b>'), 'chunked')],
    ['notifications that are large', frameMessage(`${notification}${' '.repeat(1_000_000)}`, 'chunked')],
  ])('%s, is skipped, and ends the session where it does not end', async (_what, message) => {
    const { session, device } = await connect('chunked');
    device.raw(message);
    const answer = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await answer).xml).toContain('<ok/>');
    expect(await flood(session, device, message)).toEqual(code('CALLHOME_TRAFFIC_USELESS'));
  });

  it('because who asked has given up is in order, however much of it there is', async () => {
    const { session, device } = await connect('chunked');
    const aborters = Array.from({ length: 20 }, () => new AbortController());
    const asked = aborters.map(({ signal }) => session.request('<get/>', { signal }));
    const outcomes = Promise.allSettled(asked);
    const ids: string[] = [];
    for (const _each of asked) ids.push(await device.nextId());
    for (const aborter of aborters) aborter.abort();
    await outcomes;
    for (const id of ids) {
      if (!device.say(reply(id, 'x'.repeat(1_000_000)))) await once(device.duplex, 'drain');
    }
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    expect((await next).xml).toContain('<ok/>');
  });

  it('ends no session that takes notifications', async () => {
    let seen = 0;
    const { session, device } = await connect('chunked', {
      onNotification() {
        seen += 1;
      },
    });
    const message = frameMessage(notification.replace('</b>', '</a>'), 'chunked');
    for (let sent = 0; sent < 6000; sent++) {
      if (!device.raw(message)) await once(device.duplex, 'drain');
    }
    const next = session.request('<get/>');
    device.say(reply(await device.nextId(), '<ok/>'));
    await next;
    expect(seen).toBe(6000);
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

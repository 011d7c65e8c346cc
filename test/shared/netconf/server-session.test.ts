import type { Duplex } from 'node:stream';
import { openClientSession } from '@callhome/shared/netconf/client-session.js';
import { createDeframer, type Framing, frameMessage } from '@callhome/shared/netconf/framing.js';
import { base10, base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { openServerSession, type ServerSessionOptions } from '@callhome/shared/netconf/server-session.js';
import { childElements, parseElement, serializeElement } from '@callhome/shared/xml/element.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duplexPair, type Segmentation } from './duplex-pair.js';

const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
const framings: readonly Framing[] = ['chunked', 'end-of-message'];
const code = (name: string) => expect.objectContaining({ code: name });

/** A client that sends what the test tells it to, and keeps the messages it gets. */
function scriptedClient(duplex: Duplex, framing: Framing) {
  const messages: string[] = [];
  let pieces: Buffer[] = [];
  let awaited: { count: number; resolve: () => void } | undefined;
  const deframer = createDeframer({
    data: (piece) => pieces.push(piece),
    end() {
      const message = Buffer.concat(pieces).toString();
      pieces = [];
      if (message.includes('<hello')) deframer.use(framing);
      else messages.push(message.replace(/^<\?xml.*?\?>/, ''));
      if (awaited !== undefined && messages.length >= awaited.count) awaited.resolve();
    },
  });
  duplex.on('data', (segment: Buffer) => deframer.push(segment));
  duplex.on('error', () => undefined);
  return {
    duplex,
    messages,
    raw: (bytes: string | Buffer) => duplex.write(bytes),
    hello: () =>
      duplex.write(
        frameMessage(
          helloMessage({ capabilities: framing === 'chunked' ? [base10, base11] : [base10] }),
          'end-of-message',
        ),
      ),
    say: (message: string) => duplex.write(frameMessage(message, framing)),
    async replies(count: number): Promise<string[]> {
      if (messages.length < count) {
        await new Promise<void>((resolve) => {
          awaited = { count, resolve };
        });
      }
      return messages;
    },
  };
}

function serve(framing: Framing, options: Partial<ServerSessionOptions> = {}, segmentation?: Segmentation) {
  const [near, far] = duplexPair(segmentation);
  const faults: unknown[] = [];
  const handled: string[] = [];
  const session = openServerSession(near, {
    sessionId: 9,
    capabilities: [base10, base11],
    handle: async (operation) => {
      handled.push(operation.name);
      return `<data>${serializeElement(operation)}</data>`;
    },
    onFault: (error) => faults.push(error),
    ...options,
  });
  return { session, near, client: scriptedClient(far, framing), faults, handled };
}

const rpc = (id: number, content: string) => `<rpc ${ns} message-id="${id}">${content}</rpc>`;

describe.each(framings)('a server session (%s)', (framing) => {
  it('reads no more while many requests wait, and answers all of them', async () => {
    let release: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { client, near } = serve(framing, { handle: () => first.then(() => '<ok/>') });
    client.hello();
    for (let id = 1; id <= 5000; id++) client.say(rpc(id, '<get/>'));
    await expect.poll(() => near.isPaused()).toBe(true);
    release();
    expect(await client.replies(5000)).toHaveLength(5000);
  });

  it('answers pipelined requests in order, one at a time', async () => {
    let running = 0;
    const { session, client } = serve(framing, {
      async handle(operation) {
        expect(++running).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return `<${operation.name}/>`;
      },
    });
    client.hello();
    for (let id = 1; id <= 20; id++) client.say(rpc(id, `<op-${id}/>`));
    expect(await client.replies(20)).toEqual(
      Array.from(
        { length: 20 },
        (_, i) => `<rpc-reply ${ns} message-id="${i + 1}"><op-${i + 1}/></rpc-reply>`,
      ),
    );
    session.destroy(new Error('over'));
  });

  it('repeats all attributes of the rpc, unchanged and with their namespaces', async () => {
    const { session, client } = serve(framing);
    client.hello();
    client.say(
      `<n:rpc xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0" xmlns:u="urn:u" message-id="&#9;a&lt;&quot;'&#10;" u:user="é" x="]]&gt;"><n:get/></n:rpc>`,
    );
    const [answer] = await client.replies(1);
    const reply = parseElement(answer ?? '');
    expect(reply.attributes.map(({ namespace, name, value }) => [namespace, name, value])).toEqual([
      ['', 'message-id', '\ta<"\'\n'],
      ['urn:u', 'user', 'é'],
      ['', 'x', ']]>'],
    ]);
    session.destroy(new Error('over'));
  });

  it('wants a message-id and exactly one operation', async () => {
    const { session, client, handled } = serve(framing);
    client.hello();
    client.say(`<rpc ${ns} other="1"><get/></rpc>`);
    client.say(rpc(2, ''));
    client.say(rpc(3, '<get/><get/>'));
    const tags = (await client.replies(3)).map(
      (message) => /<error-tag>(.*)<\/error-tag>/.exec(message)?.[1],
    );
    expect(tags).toEqual(['missing-attribute', 'missing-element', 'unknown-element']);
    expect(handled).toEqual([]);
    session.destroy(new Error('over'));
  });

  it('ends after close-session, and does not process what follows', async () => {
    const { session, client, handled, near } = serve(framing);
    client.hello();
    client.say(rpc(1, '<get/>'));
    client.say(rpc(2, '<close-session/>'));
    client.say(rpc(3, '<reboot/>'));
    expect(await session.closed).toBeUndefined();
    expect(await client.replies(2)).toHaveLength(2);
    expect(client.messages[1]).toBe(`<rpc-reply ${ns} message-id="2"><ok/></rpc-reply>`);
    expect(handled).toEqual(['get']);
    expect(near.destroyed).toBe(true);
  });

  it('answers what was asked before the client ended its side', async () => {
    const { session, client } = serve(framing);
    client.hello();
    client.say(rpc(1, '<get/>'));
    client.say(rpc(2, '<get/>'));
    client.duplex.end();
    expect(await session.closed).toEqual(code('CALLHOME_PEER_CLOSED'));
    expect(client.messages).toHaveLength(2);
  });

  it('hides what went wrong inside', async () => {
    const { session, client, faults } = serve(framing, {
      handle: () => {
        throw new Error('secret path /etc/x');
      },
    });
    client.hello();
    client.say(rpc(1, '<get/>'));
    const [message] = await client.replies(1);
    expect(message).toContain('<error-tag>operation-failed</error-tag>');
    expect(message).not.toContain('secret');
    expect(faults).toEqual([new Error('secret path /etc/x')]);
    session.destroy(new Error('over'));
  });

  it('sends errors as errors', async () => {
    const { session, client } = serve(framing, {
      handle: async () => [
        { type: 'protocol', tag: 'lock-denied', severity: 'error', info: '<session-id>3</session-id>' },
      ],
    });
    client.hello();
    client.say(rpc(1, '<lock/>'));
    const [message] = await client.replies(1);
    expect(childElements(parseElement(message ?? '')).map((element) => element.name)).toEqual(['rpc-error']);
    session.destroy(new Error('over'));
  });

  it('ends on a request above the bound', async () => {
    const { session, client } = serve(framing, { maxMessage: 1000 });
    client.hello();
    client.say(rpc(1, 'x'.repeat(2000)));
    expect(await session.closed).toEqual(code('CALLHOME_MESSAGE_TOO_LARGE'));
  });

  it('takes no more requests than its bound while one is carried out', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { session, client, near } = serve(framing, {
      maxMessage: 10_000,
      handle: async () => {
        await gate;
        return '<ok/>';
      },
    });
    client.hello();
    for (let id = 1; id <= 1000; id++) client.say(rpc(id, '<get/>'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(near.isPaused()).toBe(true);
    release();
    expect(await client.replies(1000)).toHaveLength(1000);
    session.destroy(new Error('over'));
  });

  it('ends when its replies are not read', async () => {
    const { session, client } = serve(framing, {
      stallTimeoutMs: 30,
      handle: async () => `<a>${'x'.repeat(1_000_000)}</a>`,
    });
    client.hello();
    client.say(rpc(1, '<get/>'));
    await client.replies(0);
    client.duplex.pause();
    expect(await session.closed).toEqual(code('CALLHOME_READER_STALLED'));
  });

  it('can be ended from outside in the middle of an operation', async () => {
    let start: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const { session, client, near } = serve(framing, {
      handle: () => {
        start();
        return new Promise(() => undefined);
      },
    });
    client.hello();
    client.say(rpc(1, '<get/>'));
    await started;
    const reason = new Error('killed');
    session.destroy(reason);
    expect(await session.closed).toBe(reason);
    expect(near.destroyed).toBe(true);
  });

  it('serves our client under any segmentation', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
        async (texts, lengths) => {
          let turn = 0;
          const [near, far] = duplexPair(function* (bytes) {
            for (let at = 0; at < bytes.length; ) {
              const length = lengths[turn++ % lengths.length] ?? 1;
              yield bytes.subarray(at, at + length);
              at += length;
            }
          });
          const server = openServerSession(near, {
            sessionId: 1,
            capabilities: [base10, ...(framing === 'chunked' ? [base11] : [])],
            handle: async (operation) => serializeElement(operation),
            onFault: () => undefined,
          });
          const client = await openClientSession(far);
          expect(client.framing).toBe(framing);
          const operations = texts.map(
            (text) => `<a xmlns="urn:a">x${text.replace(/[^\p{L}\p{N}]/gu, '.')}</a>`,
          );
          const replies = await Promise.all(operations.map((operation) => client.request(operation)));
          expect(replies.map(({ xml }) => xml.replace(/^<[^>]*>|<\/rpc-reply>$/g, ''))).toEqual(operations);
          await client.close();
          expect([await client.closed, await server.closed]).toEqual([undefined, undefined]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('what is not an rpc', () => {
  it.each([
    '<rpc',
    '<get/>',
    `<rpc xmlns="urn:x" message-id="1"><get/></rpc>`,
    '<!DOCTYPE rpc><rpc/>',
    '\u0000',
  ])('is a malformed message with base:1.1: %j', async (text) => {
    const { session, client } = serve('chunked');
    client.hello();
    client.say(text);
    client.say(rpc(2, '<get/>'));
    const [first, second] = await client.replies(2);
    expect(first).toContain('<error-tag>malformed-message</error-tag>');
    expect(second).toContain('<data>');
    session.destroy(new Error('over'));
  });

  it('is a malformed message with more elements than any request needs, too', async () => {
    const { session, client } = serve('chunked');
    client.hello();
    client.say(rpc(1, `<get><filter>${'<z/>'.repeat(4000)}</filter></get>`));
    client.say(rpc(2, '<get/>'));
    const [first, second] = await client.replies(2);
    expect(first).toContain('<error-tag>malformed-message</error-tag>');
    expect(second).toContain('<data>');
    session.destroy(new Error('over'));
  });

  it('ends the session without base:1.1', async () => {
    const { session, client } = serve('end-of-message');
    client.hello();
    client.say('<rpc>');
    expect(await session.closed).toEqual(code('CALLHOME_XML'));
  });

  it('ends the session when it is no chunk', async () => {
    const { session, client } = serve('chunked');
    client.hello();
    client.raw('<rpc/>');
    expect(await session.closed).toEqual(code('CALLHOME_FRAMING'));
  });
});

it('replaces a reply that the framing cannot carry', async () => {
  const { session, client, faults } = serve('end-of-message', {
    handle: async () => '<a><!-- ]]>]]> --></a>',
  });
  client.hello();
  client.say(rpc(1, '<get/>'));
  expect((await client.replies(1))[0]).toContain('operation-failed');
  expect(faults).toEqual([code('CALLHOME_FRAMING')]);
  session.destroy(new Error('over'));
});

describe('the client’s hello', () => {
  it.each([
    ['never comes', '', 'CALLHOME_HANDSHAKE_TIMEOUT'],
    ['has a session-id', `${helloMessage({ capabilities: [base10], sessionId: 1 })}]]>]]>`, 'CALLHOME_HELLO'],
    ['has no common base', `${helloMessage({ capabilities: ['urn:x'] })}]]>]]>`, 'CALLHOME_HELLO'],
    ['is an rpc', `${rpc(1, '<get/>')}]]>]]>`, 'CALLHOME_HELLO'],
    ['is a chunk', '\n#5\nhello\n##\n', 'CALLHOME_HANDSHAKE_TIMEOUT'],
  ])('is refused when it %s', async (_name, bytes, expected) => {
    const { session, client, near, handled } = serve('end-of-message', { helloTimeoutMs: 30 });
    if (bytes !== '') client.raw(bytes);
    expect(await session.closed).toEqual(code(expected));
    expect(near.destroyed).toBe(true);
    expect(handled).toEqual([]);
  });
});

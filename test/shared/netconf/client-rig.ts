import type { Duplex } from 'node:stream';
import {
  type ClientSession,
  type ClientSessionOptions,
  openClientSession,
  type ReplyStream,
} from '@callhome/shared/netconf/client-session.js';
import { createDeframer, type Framing, frameMessage } from '@callhome/shared/netconf/framing.js';
import { base10, base11, helloMessage } from '@callhome/shared/netconf/hello.js';
import { parseElement } from '@callhome/shared/xml/element.js';
import { expect, onTestFinished } from 'vitest';
import { duplexPair, type Segmentation } from './duplex-pair.js';

export const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';
export const framings: readonly Framing[] = ['chunked', 'end-of-message'];

/** Ends a session together with the test that opened it. */
export function endWithTest(session: ClientSession): ClientSession {
  onTestFinished(() => session.destroy(new Error('the test is over')));
  return session;
}

/** A device that says what the test tells it to. */
export function scriptedDevice(duplex: Duplex, framing: Framing) {
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
  };
}

export const reply = (id: string, content: string) =>
  `<rpc-reply ${ns} message-id="${id}">${content}</rpc-reply>`;

/** A session, and its scripted device, both hellos said. */
export async function connect(
  framing: Framing,
  options: ClientSessionOptions = {},
  segmentation?: Segmentation,
) {
  const [near, far] = duplexPair(segmentation);
  const device = scriptedDevice(far, framing);
  const opening = openClientSession(near, options);
  device.hello();
  const session = endWithTest(await opening);
  await device.next();
  return { session, device, near };
}

/** What an error with this code equals. */
export const code = (name: string) => expect.objectContaining({ code: name });

/** A streamed reply, to its end. */
export async function readAll({ body }: ReplyStream): Promise<string> {
  return Buffer.concat(await body.toArray()).toString();
}

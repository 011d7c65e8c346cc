import { CallhomeError } from '../errors.js';
import type { Framing } from './framing.js';
import { createMessageBuffer } from './message-buffer.js';
import { baseNamespace, isBase } from './namespaces.js';
import { escapeText } from './xml.js';
import { childElements, parseElement, textOf, type XmlElement } from './xml-element.js';

export const base10 = 'urn:ietf:params:netconf:base:1.0';
export const base11 = 'urn:ietf:params:netconf:base:1.1';
/** What RFC 4742's example and old Junos say for base:1.0. */
const base10Old = 'urn:ietf:params:xml:ns:netconf:base:1.0';

const maxSessionId = 4294967295;
/** A login banner before the first message. Bytes. */
const maxBanner = 64 * 1024;
/** How long the start of a hello is at most, so that it can be told from something else. Bytes. */
const maxStart = 256;
/** With many YANG modules a hello has hundreds of kilobytes. Bytes. */
const maxHello = 2 * 1024 * 1024;

/** A client's `<hello>`. */
export interface ClientHello {
  readonly capabilities: readonly string[];
}

/** A server's `<hello>`. */
export interface ServerHello extends ClientHello {
  readonly sessionId: number;
}

function refuse(why: string): CallhomeError {
  return new CallhomeError('CALLHOME_HELLO', { why });
}

/** A `<hello>` message (RFC 6241 §8.1). */
export function helloMessage(hello: ClientHello | ServerHello): string {
  const capabilities = hello.capabilities
    .map((uri) => `<capability>${escapeText(uri)}</capability>`)
    .join('');
  const sessionId = 'sessionId' in hello ? `<session-id>${hello.sessionId}</session-id>` : '';
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<hello xmlns="${baseNamespace}"><capabilities>${capabilities}</capabilities>${sessionId}</hello>`
  );
}

function parseHello(xml: Buffer): { capabilities: string[]; sessionIds: XmlElement[] } {
  const hello = parseElement(xml);
  if (hello.name !== 'hello' || !isBase(hello.namespace)) {
    throw refuse(`the first message is <${hello.name.slice(0, 100)}>`);
  }
  const named = (element: XmlElement, name: string) =>
    childElements(element).filter((child) => child.name === name && isBase(child.namespace));
  return {
    capabilities: named(hello, 'capabilities').flatMap((list) => named(list, 'capability').map(textOf)),
    sessionIds: named(hello, 'session-id'),
  };
}

/** @throws CALLHOME_HELLO, CALLHOME_XML */
export function parseServerHello(xml: Buffer): ServerHello {
  const { capabilities, sessionIds } = parseHello(xml);
  const [element] = sessionIds;
  if (element === undefined || sessionIds.length > 1) throw refuse('a server must send one session-id');
  const text = textOf(element);
  const sessionId = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
  if (sessionId < 1 || sessionId > maxSessionId)
    throw refuse(`the session-id must be from 1 to ${maxSessionId}`);
  return { capabilities, sessionId };
}

/** @throws CALLHOME_HELLO, CALLHOME_XML */
export function parseClientHello(xml: Buffer): ClientHello {
  const { capabilities, sessionIds } = parseHello(xml);
  if (sessionIds.length > 0) throw refuse('a client must not send a session-id');
  return { capabilities };
}

/** The framing after the hellos (RFC 6242 §4.1). @throws CALLHOME_HELLO when no base capability is common */
export function agreeFraming(ours: readonly string[], theirs: readonly string[]): Framing {
  if (ours.includes(base11) && theirs.includes(base11)) return 'chunked';
  const has10 = (capabilities: readonly string[]) =>
    capabilities.includes(base10) || capabilities.includes(base10Old);
  if (has10(ours) && has10(theirs)) return 'end-of-message';
  throw refuse('the two ends have no base capability in common');
}

/** Collects the first message of a session: a banner may precede its XML. */
export interface HelloCollector {
  /** @throws CALLHOME_HELLO, CALLHOME_MESSAGE_TOO_LARGE */
  append(piece: Buffer): void;
  /** The hello without what preceded it. @throws CALLHOME_HELLO */
  complete(): Buffer;
}

/** Where the XML declaration or the `<hello` start tag stands. @throws CALLHOME_HELLO */
function helloStart(bytes: Buffer): number {
  const start = bytes.toString('latin1').search(/<\?xml\s|<(?:[A-Za-z_][\w.-]*:)?hello[\s/>]/);
  if (start < 0 || start > maxBanner) throw refuse('what the peer sent first is not a hello');
  return start;
}

export function createHelloCollector(): HelloCollector {
  const buffer = createMessageBuffer('the hello', maxBanner + maxHello);
  return {
    append(piece) {
      const before = buffer.bytes().length;
      buffer.append(piece);
      // looked at once on the way, so that a flood of something else ends early
      if (before <= maxBanner + maxStart && buffer.bytes().length > maxBanner + maxStart)
        helloStart(buffer.bytes());
    },
    complete() {
      const bytes = buffer.bytes();
      return bytes.subarray(helloStart(bytes));
    },
  };
}

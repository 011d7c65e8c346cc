import { CallhomeError } from '../errors.js';
import { createUtf8Decoder, createXmlReader, escapeText } from '../xml/reader.js';
import type { Framing } from './framing.js';
import { createMessageBuffer } from './message-buffer.js';
import { baseNamespace, isBase } from './namespaces.js';

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
/** A hello is flat; what other elements a peer adds to it is passed over. */
const maxDepth = 16;
/** Ten times what a device with thousands of modules sends. */
const maxElements = 20_000;

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

function noHello(): CallhomeError {
  return refuse('what the peer sent first is not a hello');
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

/** Reads a `<hello>` while it arrives. */
export interface HelloReader<H> {
  /** @throws CALLHOME_HELLO, CALLHOME_XML, CALLHOME_MESSAGE_TOO_LARGE */
  write(piece: Buffer): void;
  /** The message is complete. @throws CALLHOME_HELLO, CALLHOME_XML */
  end(): H;
}

/** What a hello says. */
interface HelloContent {
  readonly capabilities: string[];
  readonly sessionIds: string[];
}

function createHelloReader<H>(accept: (content: HelloContent) => H): HelloReader<H> {
  const finder = createHelloFinder();
  const decoder = createUtf8Decoder();
  const content: HelloContent = { capabilities: [], sessionIds: [] };
  let bytes = 0;
  let elements = 0;
  let inCapabilities = false;
  /** The element whose text is read, and how deep the text is that comes now. */
  let leaf: { readonly into: string[]; readonly depth: number; text: string } | undefined;
  let depth = 0;

  const xml = createXmlReader(
    {
      open({ local, uri }, at) {
        if (++elements > maxElements) throw refuse(`it has more than ${maxElements} elements`);
        depth = at;
        const name = isBase(uri) ? local : '';
        if (at === 0 && name !== 'hello') throw refuse(`the first message is <${local.slice(0, 100)}>`);
        if (at === 1) inCapabilities = name === 'capabilities';
        if (at === 1 && name === 'session-id') leaf = { into: content.sessionIds, depth: at, text: '' };
        if (at === 2 && name === 'capability' && inCapabilities)
          leaf = { into: content.capabilities, depth: at, text: '' };
        if (leaf?.depth === at) xml.wantText(true);
      },
      text(text) {
        if (leaf?.depth === depth) leaf.text += text;
      },
      close(at) {
        if (leaf?.depth === at) {
          leaf.into.push(leaf.text.trim());
          leaf = undefined;
          xml.wantText(false);
        }
        depth = at - 1;
      },
    },
    { maxDepth },
  );

  return {
    write(piece) {
      const found = finder.push(piece);
      bytes += found.length;
      if (bytes > maxHello)
        throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', { what: 'the hello', bytes: maxHello });
      xml.write(decoder.decode(found));
    },
    end() {
      finder.end();
      decoder.end();
      xml.end();
      return accept(content);
    },
  };
}

/** Reads the hello of a server. */
export function createServerHelloReader(): HelloReader<ServerHello> {
  return createHelloReader(({ capabilities, sessionIds }) => {
    const [text, second] = sessionIds;
    if (text === undefined || second !== undefined) throw refuse('a server must send one session-id');
    const sessionId = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
    if (sessionId < 1 || sessionId > maxSessionId)
      throw refuse(`the session-id must be from 1 to ${maxSessionId}`);
    return { capabilities, sessionId };
  });
}

/** Reads the hello of a client. */
export function createClientHelloReader(): HelloReader<ClientHello> {
  return createHelloReader(({ capabilities, sessionIds }) => {
    if (sessionIds.length > 0) throw refuse('a client must not send a session-id');
    return { capabilities };
  });
}

/** The framing after the hellos (RFC 6242 §4.1). @throws CALLHOME_HELLO when no base capability is common */
export function agreeFraming(ours: readonly string[], theirs: readonly string[]): Framing {
  if (ours.includes(base11) && theirs.includes(base11)) return 'chunked';
  const has10 = (capabilities: readonly string[]) =>
    capabilities.includes(base10) || capabilities.includes(base10Old);
  if (has10(ours) && has10(theirs)) return 'end-of-message';
  throw refuse('the two ends have no base capability in common');
}

/** Finds where the first message of a session begins: a banner may precede its XML. */
export interface HelloFinder {
  /** The bytes that are known since this piece to belong to the hello. @throws CALLHOME_HELLO */
  push(piece: Buffer): Buffer;
  /** The message is complete. @throws CALLHOME_HELLO when there was no hello in it */
  end(): void;
}

export function createHelloFinder(): HelloFinder {
  const banner = createMessageBuffer('the banner', Number.POSITIVE_INFINITY);
  const nothing = Buffer.alloc(0);
  let state: 'banner' | 'hello' = 'banner';
  return {
    push(piece) {
      if (state === 'hello') return piece;
      // what began earlier than this has been looked at
      const from = Math.max(0, banner.bytes().length - maxStart);
      banner.append(piece);
      const bytes = banner.bytes();
      const found = bytes.toString('latin1', from).search(/<\?xml\s|<(?:[A-Za-z_][\w.-]*:)?hello[\s/>]/);
      if (found < 0 ? bytes.length > maxBanner + maxStart : from + found > maxBanner) throw noHello();
      if (found < 0) return nothing;
      state = 'hello';
      return bytes.subarray(from + found);
    },
    end() {
      if (state === 'banner') throw noHello();
    },
  };
}

import { reasonOf } from '../errors.js';
import { createPrologScanner } from '../xml/prolog.js';
import { createDeframer, type Deframer } from './framing.js';
import { createHelloFinder } from './hello.js';
import { createMessageBuffer } from './message-buffer.js';

/** What is kept of a message, to tell what it is. Bytes. */
const maxHead = 4096;
const endOfMessage = ']]>]]>';
const LF = Buffer.from('\n');
const HASH = 0x23;

/** Follows one direction of a NETCONF session, which others carry on: where its hello and its messages end. */
export interface SessionFollower {
  /** Takes what comes next. The result is how many bytes of it come before the end of the hello: all, if it is lost. */
  push(piece: Buffer): number;
  /** `lost`: what came is not NETCONF, and nothing more is known. */
  readonly state: 'hello' | 'messages' | 'lost';
  /** How many messages after the hello are complete, notifications not counted. */
  readonly messages: number;
  /** What is wrong with its messages, were this its end. */
  problem(): string | undefined;
}

/** The local name of the root element; empty where `head`, a message's first bytes, does not tell. */
function rootName(head: Buffer): string {
  const root = createPrologScanner().find(head) ?? 0;
  const start = head.toString('latin1', root, root + 100);
  return /^<(?:[^\s<>/:]+:)?([^\s<>/:]+)[\s/>]/.exec(start)?.[1] ?? '';
}

/** How much white space `bytes` begins with. */
function leadingSpace(bytes: Buffer): number {
  return /^[ \t\r\n]*/.exec(bytes.toString('latin1'))?.[0].length ?? 0;
}

export function followSession(): SessionFollower {
  let state: SessionFollower['state'] = 'hello';
  let fault: string | undefined;
  let messages = 0;
  const head = createMessageBuffer('the head of a message', maxHead);

  function keepHead(piece: Buffer): void {
    head.append(piece.subarray(0, maxHead - head.bytes().length));
  }

  const hello = createHelloFinder();
  /** Of the hello, while it comes; and where it ends. Bytes from the start of the session. */
  let helloLength = 0;
  let helloEnd: number | undefined;
  let pushed = 0;
  const greeting = createDeframer({
    data(piece) {
      if (helloEnd !== undefined) return;
      helloLength += piece.length;
      keepHead(hello.push(piece));
    },
    end() {
      if (helloEnd !== undefined) return;
      hello.end();
      if (rootName(head.bytes()) !== 'hello') {
        fault = 'its first message is not a <hello>';
        state = 'lost';
      }
      head.clear();
      helloEnd = helloLength + endOfMessage.length;
    },
  });

  /** Known from the first byte after the hello that is no white space: each framing begins with one of its own. */
  let deframer: Deframer | undefined;
  function startDeframer(chunked: boolean): Deframer {
    const started = createDeframer({
      data: keepHead,
      end() {
        if (rootName(head.bytes()) !== 'notification') messages++;
        head.clear();
      },
    });
    if (chunked) {
      started.use('chunked');
      started.push(LF);
    }
    return started;
  }

  function pushMessages(bytes: Buffer): void {
    const from = deframer ? 0 : leadingSpace(bytes);
    if (from === bytes.length) return;
    deframer ??= startDeframer(bytes[from] === HASH);
    deframer.push(bytes.subarray(from));
  }

  /** The result is how much of the piece comes before the end of the hello. */
  function pushHello(piece: Buffer): number {
    greeting.push(piece);
    if (helloEnd === undefined || state === 'lost') return piece.length;
    state = 'messages';
    return helloEnd - pushed;
  }

  return {
    push(piece) {
      if (state === 'lost') return piece.length;
      try {
        const ofHello = state === 'hello' ? pushHello(piece) : 0;
        pushed += piece.length;
        if (ofHello < piece.length) pushMessages(piece.subarray(ofHello));
        return ofHello;
      } catch (error) {
        if (state === 'messages') fault = reasonOf(error);
        state = 'lost';
        return piece.length;
      }
    },
    get state() {
      return state;
    },
    get messages() {
      return messages;
    },
    problem: () =>
      fault ??
      (leadingSpace(head.bytes()) < head.bytes().length ? 'it ends in the middle of a message' : undefined),
  };
}

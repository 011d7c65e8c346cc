import { CallhomeError } from '../errors.js';
import { createElementBuilder, type ElementBuilder } from '../xml/element.js';
import { createPrologScanner } from '../xml/prolog.js';
import { createUtf8Decoder, createXmlReader, type XmlTag } from '../xml/reader.js';
import { createMessageBuffer } from './message-buffer.js';
import { isBase } from './namespaces.js';
import { parseRpcError, type RpcError } from './rpc-error.js';

/** What stands before the end of the root element's start tag. Bytes. */
const maxHead = 64 * 1024;
/** What stands behind its end. Bytes. */
const maxTail = 64 * 1024;
/** Of all `<rpc-error>`s in a message together, which are held until it ends. Characters. */
const maxErrors = 1024 * 1024;

export interface MessageHandlers {
  /** The root element's start tag has been read. After `skip` the message is not read any further. */
  root(tag: XmlTag): 'read' | 'skip';
  /** A piece of the message, from the root's start tag to its end tag and nothing around them. Not a copy. */
  data(piece: Buffer): void;
}

/** Reads one message from a peer while it arrives, in one pass. */
export interface MessageReader {
  /** @throws CALLHOME_XML, CALLHOME_MESSAGE_TOO_LARGE, and what the handlers throw */
  write(piece: Buffer): void;
  /** The message is complete: the `<rpc-error>`s directly in it. @throws CALLHOME_XML */
  end(): readonly RpcError[];
}

/** @param defaultNamespace that of elements without a prefix, where the message does not set another */
export function createMessageReader(handlers: MessageHandlers, defaultNamespace = ''): MessageReader {
  const decoder = createUtf8Decoder();
  const prolog = createPrologScanner();
  let state: 'before root' | 'root begun' | 'in root' | 'after root' | 'skipped' = 'before root';
  /** All bytes so far, while it is not known what they belong to. */
  const head = createMessageBuffer('the beginning of a message', Number.POSITIVE_INFINITY);
  let rootStart = 0;
  let rootTag: XmlTag | undefined;
  /** Characters: where the root element ends. */
  let rootEnd = 0;
  let bytesBehind = 0;
  let bytesRead = 0;
  let bytesDecoded = 0;
  let charactersDecoded = 0;

  const errors: RpcError[] = [];
  let error: ElementBuilder | undefined;
  let errorStart = 0;
  let errorCharacters = 0;

  function checkErrorSize(): void {
    if (errorCharacters + xml.position - errorStart > maxErrors) {
      throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', {
        what: 'what the reply says of errors',
        bytes: maxErrors,
      });
    }
  }

  const xml = createXmlReader(
    {
      open(tag, depth) {
        if (depth === 0) {
          rootTag = tag;
          state = handlers.root(tag) === 'skip' ? 'skipped' : 'in root';
        } else if (depth === 1 && tag.local === 'rpc-error' && isBase(tag.uri)) {
          error = createElementBuilder(rootTag?.ns);
          errorStart = xml.position;
          xml.wantText(true);
        }
        if (error !== undefined) {
          checkErrorSize();
          error.open(tag);
        }
      },
      text(text) {
        error?.text(text);
      },
      close(depth) {
        if (depth === 0) {
          if (state === 'in root') state = 'after root';
          rootEnd = xml.position;
        } else if (error !== undefined) {
          checkErrorSize();
          const element = error.close();
          if (element === undefined) return;
          errors.push(parseRpcError(element));
          errorCharacters += xml.position - errorStart;
          error = undefined;
          xml.wantText(false);
        }
      },
    },
    { defaultNamespace },
  );

  /** Parses a piece of the root element or what follows it; the result is without what follows. */
  function parse(piece: Buffer): Buffer {
    // the bytes of a character that began in an earlier piece
    const carried = bytesRead - bytesDecoded;
    const text = decoder.decode(piece);
    const wasInside = state !== 'after root';
    xml.write(text);
    if (error !== undefined) checkErrorSize();
    const inside =
      state !== 'after root'
        ? piece.length
        : Buffer.byteLength(text.slice(0, rootEnd - charactersDecoded)) - carried;
    if (state === 'after root') {
      bytesBehind += piece.length - (wasInside ? inside : 0);
      if (bytesBehind > maxTail) {
        throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', {
          what: 'the end of a message',
          bytes: maxTail,
        });
      }
    }
    bytesRead += piece.length;
    bytesDecoded += Buffer.byteLength(text);
    charactersDecoded += text.length;
    return piece.subarray(0, wasInside ? inside : 0);
  }

  function isWaitingForRoot(): boolean {
    return state === 'before root' || state === 'root begun';
  }

  function isSkipped(): boolean {
    return state === 'skipped';
  }

  /** As `parse`, and no further than the root's start tag where the rest is not wanted. */
  function parseRoot(bytes: Buffer): Buffer {
    let at = 0;
    let inside = 0;
    while (state === 'root begun' && at < bytes.length) {
      // where the tag may end: a value may hold this character too
      const end = bytes.indexOf('>', at) + 1 || bytes.length;
      inside += parse(bytes.subarray(at, end)).length;
      at = end;
    }
    if (!isSkipped()) inside += parse(bytes.subarray(at)).length;
    return bytes.subarray(0, inside);
  }

  /** Nothing is handed out before it is known what it belongs to. */
  function writeHead(piece: Buffer): void {
    const first = head.bytes().length === 0;
    if (!first) head.append(piece);
    const bytes = first ? piece : head.bytes();
    let fresh = piece;
    if (state === 'before root') {
      const found = prolog.find(bytes);
      if (found !== undefined) {
        state = 'root begun';
        rootStart = found;
        fresh = bytes.subarray(found);
      }
    }
    if (state === 'root begun') {
      const inside = parseRoot(fresh);
      if (!isWaitingForRoot()) {
        if (!isSkipped())
          handlers.data(bytes.subarray(rootStart, bytes.length - fresh.length + inside.length));
        head.clear();
      }
    }
    if (!isWaitingForRoot()) return;
    if (bytes.length > maxHead) {
      throw new CallhomeError('CALLHOME_MESSAGE_TOO_LARGE', {
        what: 'the beginning of a message',
        bytes: maxHead,
      });
    }
    if (first) head.append(piece);
  }

  return {
    write(piece) {
      if (isSkipped()) return;
      if (isWaitingForRoot()) {
        writeHead(piece);
      } else {
        const inside = parse(piece);
        if (inside.length > 0) handlers.data(inside);
      }
    },
    end() {
      decoder.end();
      xml.end();
      return errors;
    },
  };
}

import { isUtf8 } from 'node:buffer';
import type { SaxesTagNS } from 'saxes';
import { CallhomeError } from '../errors.js';
import { hasDoctype, heldCharacters, TableParser, takeCdata } from './saxes-internals.js';

/** A start tag with its namespaces resolved. */
export type XmlTag = SaxesTagNS;

export interface XmlHandlers {
  /** `depth` is 0 for the root element. */
  open(tag: XmlTag, depth: number): void;
  close(depth: number): void;
  /** Character data and CDATA, perhaps in several pieces; only called while `wantText` is on. */
  text?(text: string): void;
}

/** Reads one XML document, from its root element, while it arrives. Not to be used again after it has thrown. */
export interface XmlReader {
  /** @throws CALLHOME_XML, and what the handlers throw */
  write(text: string): void;
  /** Checks that the document is complete. @throws CALLHOME_XML */
  end(): void;
  /** In an event, where it ends: characters from the start of the document. */
  readonly position: number;
  /** Text that is no CDATA is held until the next tag, so it is only asked for where it is needed. */
  wantText(on: boolean): void;
}

/** How many elements may stand in each other, where nothing else is said. */
const defaultDepth = 256;
const maxAttributes = 256;
/** Of a name, an attribute or a comment that spans writes, and of text that is wanted: saxes holds them. Characters. */
const maxToken = 1024 * 1024;
/** Of the start tags of all elements that are open at once: saxes holds them until they close. Characters. */
const maxOpenTags = 4 * 1024 * 1024;

function bad(why: string): CallhomeError {
  return new CallhomeError('CALLHOME_XML', { why });
}

/** The start of a text from outside, fit for an error message. */
function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

export interface XmlOptions {
  /** That of elements without a prefix, where the document does not set another. */
  readonly defaultNamespace?: string;
  /** How many elements may stand in each other. */
  readonly maxDepth?: number;
}

/**
 * The only door for XML: well-formed, namespaces resolved, no document type, no entities but the five predefined,
 * bounded depth and tokens. Processing instructions and comments are passed over.
 */
export function createXmlReader(handlers: XmlHandlers, options: XmlOptions = {}): XmlReader {
  const { defaultNamespace = '', maxDepth = defaultDepth } = options;
  const parser = new TableParser({
    xmlns: true,
    additionalNamespaces: { '': defaultNamespace },
  });
  let depth = 0;
  /** Of the start tag that is being read: how many attributes, and how long they are. */
  let attributes = 0;
  let tagLength = 0;
  /** By depth, and in sum. */
  const openTags: number[] = [];
  let openTagsLength = 0;

  // no more than six handlers: a seventh turns the parser object into a dictionary, four times slower
  // saxes goes on after an error unless its handler throws
  parser.on('error', (error) => {
    throw bad(excerpt(error.message));
  });
  parser.on('attribute', ({ name, value }) => {
    if (++attributes > maxAttributes) throw bad(`an element with more than ${maxAttributes} attributes`);
    tagLength += name.length + value.length;
    if (tagLength > maxToken) throw bad(`a start tag longer than ${maxToken} characters`);
  });
  parser.on('opentag', (tag) => {
    openTagsLength += tagLength + tag.name.length;
    if (openTagsLength > maxOpenTags)
      throw bad(`start tags of open elements longer than ${maxOpenTags} characters`);
    if (depth < maxDepth) openTags[depth] = tagLength + tag.name.length;
    attributes = 0;
    tagLength = 0;
    if (hasDoctype(parser)) throw bad('a document type declaration is not allowed');
    if (depth === maxDepth) throw bad(`elements more than ${maxDepth} deep`);
    parser.declare(tag);
    handlers.open(tag, depth++);
  });
  parser.on('closetag', (tag) => {
    parser.forget(tag);
    depth -= 1;
    openTagsLength -= openTags[depth] ?? 0;
    handlers.close(depth);
  });
  const text = (piece: string) => handlers.text?.(piece);
  let textWanted = false;

  return {
    write(piece) {
      parser.write(piece);
      const cdata = takeCdata(parser);
      if (textWanted && cdata !== '') text(cdata);
      if (heldCharacters(parser) > maxToken)
        throw bad(`a name, attribute, text or comment longer than ${maxToken} characters`);
    },
    end() {
      parser.close();
    },
    get position() {
      return parser.position;
    },
    wantText(on) {
      textWanted = on;
      if (on) {
        parser.on('text', text);
        parser.on('cdata', text);
      } else {
        parser.off('text');
        parser.off('cdata');
      }
    },
  };
}

/**
 * Decodes the bytes of one document, piece by piece.
 * @throws CALLHOME_XML when they are not UTF-8
 */
export function createUtf8Decoder(): { decode(piece: Buffer): string; end(): void } {
  /** For what begins with the first piece that is not whole in itself: it costs more than most messages. */
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  function decode(piece: Buffer, stream: boolean): string {
    if (decoder === undefined && isUtf8(piece)) return piece.toString();
    decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    try {
      return decoder.decode(piece, { stream });
    } catch (error) {
      throw new CallhomeError('CALLHOME_XML', { why: 'it is not UTF-8' }, error);
    }
  }
  return {
    decode: (piece) => decode(piece, true),
    end() {
      decode(Buffer.alloc(0), false);
    },
  };
}

/** What may not stand in XML 1.0 at all, not even as a reference; lone surrogates too. */
const notXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function refer(character: string): string {
  return references[character] ?? character;
}

/** Text as it stands between tags. Characters that XML cannot carry become U+FFFD. */
export function escapeText(text: string): string {
  return text.replace(notXml, '\u{fffd}').replace(/[&<>\r]/g, refer);
}

/** Text as it stands between double quotes. Characters that XML cannot carry become U+FFFD. */
export function escapeAttribute(value: string): string {
  return value.replace(notXml, '\u{fffd}').replace(/[&<>"\t\n\r]/g, refer);
}

import { CallhomeError } from '../errors.js';

/** How messages are told apart on a stream: RFC 6242 §4.3 (base:1.0) and §4.2 (base:1.1). */
export type Framing = 'end-of-message' | 'chunked';

/** What a deframer hands out. */
export interface FrameSink {
  /** A piece of the current message: a slice of the segment, not a copy. */
  data(piece: Buffer): void;
  /** The current message is complete. */
  end(): void;
}

export interface Deframer {
  /** Takes the next segment of the stream. @throws CALLHOME_FRAMING: the stream cannot be resynchronised */
  push(segment: Buffer): void;
  /** The framing of what follows; to be called between two messages, that is in the sink's `end`. */
  use(framing: Framing): void;
}

const delimiter = Buffer.from(']]>]]>');
const seamLength = delimiter.length - 1;
const maxChunk = 4294967295;
const LF = 0x0a;
const HASH = 0x23;
const ZERO = 0x30;
const NINE = 0x39;

function bad(why: string): CallhomeError {
  return new CallhomeError('CALLHOME_FRAMING', { why });
}

/** How many bytes at the end of `bytes` may begin a delimiter. */
function delimiterBegun(bytes: Buffer): number {
  for (let length = Math.min(seamLength, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(delimiter.subarray(0, length))) return length;
  }
  return 0;
}

/** Takes a stream of segments apart into messages. It begins with end-of-message framing, as every session does. */
export function createDeframer(sink: FrameSink): Deframer {
  let framing: Framing = 'end-of-message';
  /** Bytes of a delimiter that may have begun in earlier segments; never more than five. */
  let held = 0;
  /** Where in the chunked framing the next byte stands. */
  let state: 'before LF' | 'after LF' | 'after #' | 'size' | 'data' | 'after ##' = 'before LF';
  let chunks = 0;
  let size = 0;

  function emit(piece: Buffer): void {
    if (piece.length > 0) sink.data(piece);
  }

  /** Reads to the end of one message or of the segment; the result is where it stopped. */
  function readToDelimiter(segment: Buffer, start: number): number {
    let from = start;
    if (held > 0) {
      // a delimiter that began earlier ends within the next five bytes
      const ahead = segment.subarray(start, start + seamLength);
      const seam = Buffer.concat([delimiter.subarray(0, held), ahead]);
      const at = seam.indexOf(delimiter);
      if (at >= 0) {
        from = start + at + delimiter.length - held;
        held = 0;
        emit(seam.subarray(0, at));
        sink.end();
        return from;
      }
      if (segment.length - start <= seamLength) {
        held = delimiterBegun(seam);
        emit(seam.subarray(0, seam.length - held));
        return segment.length;
      }
      emit(delimiter.subarray(0, held));
      held = 0;
    }
    const at = segment.indexOf(delimiter, from);
    if (at < 0) {
      held = delimiterBegun(segment.subarray(from));
      emit(segment.subarray(from, segment.length - held));
      return segment.length;
    }
    emit(segment.subarray(from, at));
    sink.end();
    return at + delimiter.length;
  }

  function readChunkData(segment: Buffer, start: number): number {
    const end = Math.min(segment.length, start + size);
    size -= end - start;
    if (size === 0) state = 'before LF';
    emit(segment.subarray(start, end));
    return end;
  }

  function readHeaderByte(byte: number): void {
    switch (state) {
      case 'before LF':
      case 'after LF':
        if (byte === HASH && state === 'after LF') {
          state = 'after #';
        } else if (byte === LF && (chunks === 0 || state === 'before LF')) {
          state = 'after LF';
        } else if (chunks === 0 && (byte === 0x20 || byte === 0x09 || byte === 0x0d)) {
          // some devices put white space between messages
          state = 'before LF';
        } else {
          throw bad(`expected the LF # of a chunk header, not byte 0x${byte.toString(16)}`);
        }
        return;
      case 'after #':
        if (byte === HASH) {
          if (chunks === 0) throw bad('a message without a chunk');
          state = 'after ##';
        } else if (byte > ZERO && byte <= NINE) {
          size = byte - ZERO;
          state = 'size';
        } else {
          throw bad('a chunk size must begin with a digit from 1 to 9');
        }
        return;
      case 'size':
        if (byte === LF) {
          chunks++;
          state = 'data';
        } else if (byte >= ZERO && byte <= NINE) {
          size = size * 10 + byte - ZERO;
          if (size > maxChunk) throw bad(`a chunk size above ${maxChunk}`);
        } else {
          throw bad('a chunk size holds something other than digits');
        }
        return;
      default:
        if (byte !== LF) throw bad('the end of chunks is LF ## LF');
        state = 'before LF';
        chunks = 0;
        sink.end();
    }
  }

  return {
    push(segment) {
      let at = 0;
      while (at < segment.length) {
        if (framing === 'end-of-message') {
          at = readToDelimiter(segment, at);
        } else if (state === 'data') {
          at = readChunkData(segment, at);
        } else {
          readHeaderByte(segment.readUInt8(at));
          at++;
        }
      }
    },
    use(next) {
      framing = next;
    },
  };
}

const endOfChunks = Buffer.from('\n##\n');

/** Frames a message, whole or in pieces. @throws CALLHOME_FRAMING when it is empty, or `]]>]]>` would end it early */
export function frameMessage(message: string | readonly Buffer[], framing: Framing): Buffer {
  const data = typeof message === 'string' ? [Buffer.from(message)] : message;
  const length = data.reduce((sum, piece) => sum + piece.length, 0);
  if (length === 0) throw bad('an empty message cannot be framed');
  if (framing === 'chunked') return Buffer.concat([Buffer.from(`\n#${length}\n`), ...data, endOfChunks]);
  const framed = Buffer.concat([...data, delimiter]);
  // the delimiter may begin in the message's own last bytes, too
  if (framed.indexOf(delimiter) === length) return framed;
  throw bad('the message holds ]]>]]>, which this session cannot carry (it has no base:1.1)');
}

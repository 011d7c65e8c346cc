import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CallhomeError, type ErrorCode, httpStatusOf, isCallhomeError } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { Problem } from './schemas.js';

/** Writes `value` as the whole answer. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

/** Of an array, so many characters are sent at once, or one item where that has more. */
const pieceLength = 16_384;

/** The JSON array of what there are many of, piece by piece. */
async function* jsonArray<T>(items: AsyncIterable<T>, view: (item: T) => unknown): AsyncGenerator<string> {
  let piece = '[';
  let before = '';
  for await (const item of items) {
    const shown = await view(item);
    if (shown === undefined) continue;
    piece += before + JSON.stringify(shown);
    before = ',\n';
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]\n`;
}

/**
 * Writes what there are many of as an array, which is the whole answer, while they are read.
 * @param view what is shown of an item; undefined where it is left out
 */
export async function sendJsonArray<T>(
  response: ServerResponse,
  items: AsyncIterable<T>,
  view: (item: T) => unknown,
): Promise<void> {
  const pieces = jsonArray(items, view);
  // The first one before the answer begins: a registry that fails is a failure, not half an answer.
  const first = await pieces.next();
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.write(first.value);
  await pipeline(Readable.from(pieces), response);
}

/** An error as the API tells it: the code of a reply that was cut off is that of what cut it. */
export function problemOf(error: CallhomeError): Problem & { readonly code: ErrorCode } {
  const cause = isCallhomeError(error, 'CALLHOME_REPLY_CUT') ? error.cause : undefined;
  return { code: cause instanceof CallhomeError ? cause.code : error.code, message: error.message };
}

/** Answers with an error; an answer that has begun is cut, so that nobody takes it for whole. */
export function sendProblem(response: ServerResponse, error: unknown, log: Log): void {
  if (response.destroyed) return;
  let known: CallhomeError;
  if (error instanceof CallhomeError) known = error;
  else {
    log.error({ err: error, method: response.req.method, path: response.req.url }, 'API request failed');
    known = new CallhomeError('CALLHOME_INTERNAL', { what: 'the request' }, error);
  }
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of the request's body is not worth reading.
  if (!response.req.complete) response.setHeader('Connection', 'close');
  if (known.code === 'CALLHOME_TOKEN_REFUSED') response.setHeader('WWW-Authenticate', 'Bearer');
  if (known.code === 'CALLHOME_METHOD_REFUSED' && 'allowed' in known.facts) {
    response.setHeader('Allow', known.facts.allowed.join(', '));
  }
  const problem = problemOf(known);
  const late = problem.code === 'CALLHOME_REPLY_TIMEOUT';
  sendJson(response, httpStatusOf(late ? problem.code : known.code), problem);
}

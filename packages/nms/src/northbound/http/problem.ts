import type { ServerResponse } from 'node:http';
import { CallhomeError, type ErrorCode, isCallhomeError } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import type { Problem } from './schemas.js';

const statuses: Partial<Record<ErrorCode, number>> = {
  CALLHOME_REQUEST_INVALID: 400,
  CALLHOME_KEY_INVALID: 400,
  CALLHOME_OPERATION_INVALID: 400,
  CALLHOME_OPERATION_REFUSED: 403,
  CALLHOME_TOKEN_REFUSED: 401,
  CALLHOME_HOST_REFUSED: 403,
  CALLHOME_ROUTE_UNKNOWN: 404,
  CALLHOME_DEVICE_UNKNOWN: 404,
  CALLHOME_METHOD_REFUSED: 405,
  CALLHOME_DEVICE_EXISTS: 409,
  CALLHOME_HOST_KEY_TAKEN: 409,
  CALLHOME_MESSAGE_TOO_LARGE: 413,
  CALLHOME_API_BUSY: 503,
  CALLHOME_BUFFER_EXCEEDED: 503,
  CALLHOME_DEVICE_NOT_CONNECTED: 503,
  CALLHOME_CHANNEL_REFUSED: 502,
  CALLHOME_CONNECTION_LOST: 502,
  CALLHOME_DISCONNECTED: 502,
  CALLHOME_REPLACED: 502,
  CALLHOME_STOPPED: 502,
  CALLHOME_PEER_CLOSED: 502,
  CALLHOME_PEER_VANISHED: 502,
  CALLHOME_SESSION_CLOSED: 502,
  CALLHOME_FRAMING: 502,
  CALLHOME_PROTOCOL: 502,
  CALLHOME_XML: 502,
  CALLHOME_REPLY_CUT: 502,
  CALLHOME_REPLY_TIMEOUT: 504,
};

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
  sendJson(response, statuses[late ? problem.code : known.code] ?? 500, problem);
}

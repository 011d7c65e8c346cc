import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { ReplyStream } from '@callhome/shared/netconf/client-session.js';
import { hasFailed } from '@callhome/shared/netconf/rpc-error.js';
import { type Call, reachDevice } from './call.js';
import { problemOf } from './problem.js';
import { errorTrailer, outcome, outcomeTrailer, type RpcQuery } from './schemas.js';

/** How long a caller may leave the end of an answer unread. */
const lastBytesTimeoutMs = 600_000;

/** What was not sent: the reply did not even begin. */
const unsent: ReadonlySet<string> = new Set([
  'CALLHOME_OPERATION_INVALID',
  'CALLHOME_MESSAGE_TOO_LARGE',
  'CALLHOME_CHANNEL_REFUSED',
]);

/**
 * Operations that end, lock or subscribe the session that carries them: all callers share the collector's.
 * By name alone, whatever the namespace: some devices do not look at it either.
 */
const sessionOperations: ReadonlySet<string> = new Set([
  'close-session',
  'create-subscription',
  'establish-subscription',
  'lock',
  'unlock',
  'partial-lock',
  'partial-unlock',
  // Junos's own
  'lock-configuration',
  'unlock-configuration',
  'open-configuration',
  'close-configuration',
  'request-end-session',
]);

/** @throws what ends the reply early */
async function passOn(reply: ReplyStream, response: ServerResponse): Promise<void> {
  // What is bad in its first bytes is told by a problem yet.
  if (reply.body.errored) throw reply.body.errored;
  response.writeHead(200, {
    'Content-Type': 'application/xml',
    'Cache-Control': 'no-store',
    Trailer: `${outcomeTrailer}, ${errorTrailer}`,
  });
  const [errors, passed] = await Promise.allSettled([
    reply.errors,
    pipeline(reply.body, response, { end: false }),
  ]);
  if (errors.status === 'rejected') throw errors.reason;
  if (passed.status === 'rejected') throw passed.reason;
  response.addTrailers({ [outcomeTrailer]: outcome.enum[hasFailed(errors.value) ? 'rpc-error' : 'ok'] });
  response.end();
}

/** Whether the caller says that it reads trailers (RFC 9110 §10.1.4). */
function readsTrailers(request: IncomingMessage): boolean {
  return /(^|,)\s*trailers\s*(,|$)/i.test(String(request.headers['te'] ?? ''));
}

/**
 * Tells of a reply that ended early. A caller that reads trailers learns there why; for any other an answer that has
 * begun is cut, since a chunked body that ends in order is whole to whoever reads no trailers.
 * @throws the error, to be told by a problem or a cut
 */
function endEarly({ request, response, device, emit }: Call, cause: CallhomeError): void {
  const error = new CallhomeError('CALLHOME_REPLY_CUT', { device, why: reasonOf(cause) }, cause);
  emit({ kind: 'reply-cut', device, code: cause.code, reason: reasonOf(cause) });
  if (!response.headersSent || !readsTrailers(request)) throw error;
  const json = JSON.stringify(problemOf(error));
  const ascii = json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  response.addTrailers({ [outcomeTrailer]: outcome.enum.failed, [errorTrailer]: ascii });
  response.end();
}

/** Sends the operation, and passes the reply on. */
async function answer(call: Call, send: () => Promise<ReplyStream>): Promise<void> {
  const { response } = call;
  // From here on the session's own limits hold: on the device's silence, and on a caller that does not read.
  response.setTimeout(0);
  try {
    await passOn(await send(), response);
  } catch (error) {
    const ofReply = error instanceof CallhomeError && (response.headersSent || !unsent.has(error.code));
    if (response.destroyed || !ofReply) throw error;
    endEarly(call, error);
  } finally {
    response.setTimeout(lastBytesTimeoutMs);
  }
}

/** POST /v1/devices/{id}/rpc: the `<rpc-reply>` passes through while it arrives. */
export async function sendRpc(call: Call, { timeout: timeoutSeconds }: RpcQuery): Promise<void> {
  const { response } = call;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
  const { operation, giveBack } = await call.operations.read(
    call.request,
    timeoutMs ?? Number.POSITIVE_INFINITY,
    gone.signal,
  );
  try {
    if (sessionOperations.has(operation.name)) {
      throw new CallhomeError('CALLHOME_OPERATION_REFUSED', {
        operation: operation.name,
        device: call.device,
      });
    }
    const reached = await reachDevice(call);
    const limits = { signal: gone.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    await answer(call, () => reached.send(operation, { ...limits, onTaken: giveBack }));
  } finally {
    giveBack();
  }
}

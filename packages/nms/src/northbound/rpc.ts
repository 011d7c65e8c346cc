import { pipeline } from 'node:stream/promises';
import { CallhomeError } from '@callhome/shared/errors.js';
import { parseOperation } from '@callhome/shared/netconf/operation.js';
import { hasFailed } from '@callhome/shared/netconf/rpc-error.js';
import { z } from 'zod';
import { readBody } from './body.js';
import { type Call, liveDevice, valid } from './call.js';

/** The largest operation. Bytes. */
export const maxOperation = 16 * 1024 * 1024;

/** The trailer that says how the device answered, known only at the end of its reply. */
export const outcomeTrailer = 'Callhome-Outcome';

/** `rpc-error` when the reply holds an `<rpc-error>` of severity error. */
export const outcome = z.enum(['ok', 'rpc-error']);

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

const rpcQuery = z.strictObject({
  /** Seconds, to the first byte of the reply and between two pieces of it. */
  timeout: z.coerce.number().positive().max(86_400).optional(),
});

/** POST /v1/devices/{id}/rpc: the `<rpc-reply>` passes through while it arrives. */
export async function sendRpc(call: Call): Promise<void> {
  const { response } = call;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { timeout } = valid(rpcQuery, Object.fromEntries(call.query), 'query');
  const operation = parseOperation(await readBody(call.request, maxOperation, 'the operation'));
  if (sessionOperations.has(operation.name)) {
    throw new CallhomeError('CALLHOME_OPERATION_REFUSED', { operation: operation.name, device: call.device });
  }
  const { session } = await liveDevice(call);
  // From here on the session's own limits hold: on the device's silence, and on a caller that does not read.
  response.setTimeout(0);
  const reply = await session.stream(operation, {
    signal: gone.signal,
    ...(timeout === undefined ? {} : { timeout: timeout * 1000 }),
  });
  response.writeHead(200, {
    'Content-Type': 'application/xml',
    'Cache-Control': 'no-store',
    Trailer: outcomeTrailer,
  });
  const [errors] = await Promise.all([reply.errors, pipeline(reply.body, response, { end: false })]);
  response.addTrailers({ [outcomeTrailer]: outcome.enum[hasFailed(errors) ? 'rpc-error' : 'ok'] });
  response.end();
}

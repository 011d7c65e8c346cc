import { CallhomeError } from '@callhome/shared/errors.js';
import type { PendingKey } from '../../registry/pending-keys.js';
import { bodyOf, type Call, knownDevice } from './call.js';
import { viewOf } from './devices.js';
import { sendJson, sendJsonArray } from './problem.js';
import { approvalRequest, type PendingView } from './schemas.js';

function pendingViewOf({ blob, ...key }: PendingKey): PendingView {
  return { ...key, key: `${key.type} ${blob}` };
}

/** The key that the path names. @throws CALLHOME_KEY_NOT_PENDING, CALLHOME_FINGERPRINT_AMBIGUOUS */
const namedKey = ({ registry, fingerprint }: Call): Promise<PendingKey> => registry.pending.find(fingerprint);

/** GET /v1/pending */
export async function listPending(call: Call): Promise<void> {
  await sendJsonArray(call.response, call.registry.pending.list(), pendingViewOf);
}

/** GET /v1/pending/{fingerprint} */
export async function showPending(call: Call): Promise<void> {
  sendJson(call.response, 200, pendingViewOf(await namedKey(call)));
}

/** POST /v1/pending/{fingerprint}/approve */
export async function approveKey(call: Call): Promise<void> {
  const { device, labels = {}, profile, description, settings } = await bodyOf(call, approvalRequest);
  const { fingerprint } = await namedKey(call);
  await call.registry.approve(fingerprint, {
    id: device,
    labels,
    ...(profile !== undefined && { profile }),
    ...(description !== undefined && { description }),
    ...(settings !== undefined && { settings }),
  });
  call.emit({ kind: 'device-approved', device, fingerprint });
  sendJson(call.response, 200, await viewOf(await knownDevice({ ...call, device }), call));
}

/** POST /v1/pending/{fingerprint}/reject */
export async function rejectKey(call: Call): Promise<void> {
  const key = await namedKey(call);
  if (!(await call.registry.pending.reject(key.fingerprint))) throw gone(key);
  call.emit({ kind: 'key-rejected', fingerprint: key.fingerprint });
  sendJson(call.response, 200, pendingViewOf({ ...key, state: 'rejected' }));
}

/** DELETE /v1/pending/{fingerprint} */
export async function forgetKey(call: Call): Promise<void> {
  const { fingerprint } = await namedKey(call);
  if (!(await call.registry.pending.forget(fingerprint))) throw gone({ fingerprint });
  call.emit({ kind: 'key-forgotten', fingerprint });
  call.response.writeHead(204).end();
}

/** It was there a moment ago. */
function gone({ fingerprint }: Pick<PendingKey, 'fingerprint'>): CallhomeError {
  return new CallhomeError('CALLHOME_KEY_NOT_PENDING', { fingerprint });
}

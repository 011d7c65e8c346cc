import { once } from 'node:events';
import { connect } from 'node:net';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { findRunning } from '@callhome/shared/state-folder.js';
import { decodeUtf8, readBytes } from '@callhome/shared/text.js';
import { type ControlRequest, controlAnswer } from './requests.js';
import { socketPath } from './server.js';

/** A status of a hundred thousand applications. Bytes. */
const maxAnswer = 128 * 1024 * 1024;
/** A reload ends connections in order before it answers. */
const answerTimeoutMs = 30_000;

/**
 * Asks the agent that owns a state folder.
 * @throws CALLHOME_AGENT_UNREACHABLE, CALLHOME_AGENT_REFUSED with the code that the agent gave
 */
export async function askAgent(stateFolder: string, request: ControlRequest): Promise<unknown> {
  const file = socketPath(stateFolder);
  const socket = connect({ path: file, allowHalfOpen: true });
  socket.setTimeout(answerTimeoutMs, () =>
    socket.destroy(new Error(`no answer within ${answerTimeoutMs / 1000} s`)),
  );
  try {
    await once(socket, 'connect');
    socket.end(JSON.stringify(request));
    const text = decodeUtf8(await readBytes(socket, maxAnswer, 'the answer'));
    const answer = controlAnswer.parse(JSON.parse(text));
    if ('error' in answer) throw new CallhomeError('CALLHOME_AGENT_REFUSED', answer.error);
    return answer.result;
  } catch (error) {
    if (error instanceof CallhomeError && error.code === 'CALLHOME_AGENT_REFUSED') throw error;
    throw new CallhomeError('CALLHOME_AGENT_UNREACHABLE', { socket: file, why: reasonOf(error) }, error);
  } finally {
    socket.destroy();
  }
}

/**
 * Asks the running agent.
 * @param stateFolder the one that was given
 * @throws CALLHOME_STATE_DENIED, and as `askAgent`
 */
export function askRunningAgent(stateFolder: string | undefined, request: ControlRequest): Promise<unknown> {
  return findRunning(stateFolder, (folder) => askAgent(folder, request), 'another --state-dir');
}

import type { Agent } from '../agent.js';
import type { Reloads } from '../reload.js';
import type { ControlRequest } from './requests.js';

/** What a request of the agent's commands comes to. @throws as the agent and its reloads do */
export async function carryOut(
  request: ControlRequest,
  agent: Pick<Agent, 'status' | 'reconnect' | 'connectNow'>,
  reloads: Pick<Reloads, 'reload'>,
): Promise<unknown> {
  switch (request.command) {
    case 'status':
      return agent.status();
    case 'reload':
      return await reloads.reload();
    case 'reconnect':
      return agent.reconnect(request.application);
    case 'connect-now':
      return agent.connectNow(request.application);
  }
}

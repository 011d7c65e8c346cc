import { peerText } from '../../errors.js';
import {
  type CallHomeClient,
  isRemoteAddress,
  type Loss,
  type References,
  type SshKeepalives,
  sshEndpoints,
} from '../call-home-client.js';
import type { OutboundSshClient, OutboundSshServer } from './outbound-ssh.js';

type Lose = (line: number | undefined, text: string) => void;

function quote(text: string): string {
  return JSON.stringify(peerText(text));
}

/** Brings a value into the model's range. */
function clamp(value: number, min: number, max: number, what: string, lose: (text: string) => void): number {
  const result = Math.min(Math.max(value, min), max);
  if (result !== value) lose(`${what} ${value} becomes ${result}: the model has ${min} to ${max}`);
  return result;
}

/** Junos has it for each server, the model once for the application. */
function together(
  what: 'retry' | 'timeout',
  servers: readonly OutboundSshServer[],
  choose: (values: readonly number[]) => number,
  lose: Lose,
): { readonly value: number; readonly line: number | undefined } {
  const value = choose(servers.map((server) => server[what]));
  const others = servers.filter((server) => server[what] !== value);
  const [first] = others;
  if (first) {
    const shown = others
      .slice(0, 10)
      .map(
        (server) => `${quote(server.address)}${server.line === undefined ? '' : ` (line ${server.line})`}`,
      );
    const more = others.length > shown.length ? ` and ${others.length - shown.length} more` : '';
    lose(
      first.line,
      `${what} of the servers differs, and the model has one for all: ${value}, instead of that of ${shown.join(', ')}${more}`,
    );
  }
  return { value, line: servers.find((server) => server[what] === value)?.line };
}

function keepalivesOf({ keepAlive, line }: OutboundSshClient, lose: Lose): SshKeepalives | undefined {
  if (!keepAlive) return undefined;
  if (keepAlive.timeout === 0) {
    lose(line, 'keep-alive timeout 0 has no place in the model: there are no keep-alives');
    return undefined;
  }
  return {
    'max-wait': clamp(keepAlive.timeout, 1, 65535, 'keep-alive timeout', (text) => lose(line, text)),
    'max-attempts': clamp(keepAlive.retry, 0, 255, 'keep-alive retry', (text) => lose(line, text)),
  };
}

function outboundSshOf(
  { deviceId, secret, line }: OutboundSshClient,
  lose: Lose,
): CallHomeClient['callhome-agent:outbound-ssh'] {
  if (deviceId !== undefined) return { 'device-id': deviceId, ...(secret !== undefined && { secret }) };
  lose(
    line,
    `there is no device-id: nothing will be said before SSH${secret === undefined ? '' : ', and the secret has no place'}`,
  );
  return undefined;
}

function clientToModel(
  client: OutboundSshClient,
  references: References,
  lose: Lose,
): CallHomeClient | undefined {
  const servers = client.servers.filter(({ address, line }) => {
    if (isRemoteAddress(address)) return true;
    lose(line, `server ${quote(address)} is neither an IP address nor a name: left out`);
    return false;
  });
  if (servers.length === 0) {
    lose(client.line, 'there is no server: left out');
    return undefined;
  }
  for (const service of client.services)
    if (service !== 'netconf') lose(client.line, `the service ${quote(service)} has no place in the model`);
  if (!client.services.includes('netconf'))
    lose(client.line, 'NETCONF is not among the services: the model has nothing else');
  const retry = together('retry', servers, ([first = 0]) => first, lose);
  const timeout = together('timeout', servers, (all) => all.reduce((a, b) => Math.max(a, b), 0), lose);
  const outboundSsh = outboundSshOf(client, lose);
  return {
    name: client.name,
    endpoints: { endpoint: sshEndpoints(servers, references, keepalivesOf(client, lose)) },
    'connection-type': { persistent: {} },
    'reconnect-strategy': {
      ...(client.reconnectStrategy && {
        'start-with': client.reconnectStrategy === 'sticky' ? 'last-connected' : 'first-listed',
      }),
      'max-wait': clamp(timeout.value, 1, 65535, 'timeout', (text) => lose(timeout.line, text)),
      'max-attempts': clamp(retry.value, 1, 255, 'retry', (text) => lose(retry.line, text)),
    },
    ...(outboundSsh && { 'callhome-agent:outbound-ssh': outboundSsh }),
  };
}

/**
 * Junos's clients as applications of the model. Every value that Junos has is written out; the order of a client
 * without a reconnect-strategy is left to the model.
 */
export function junosToModel(
  clients: readonly OutboundSshClient[],
  references: References,
): { applications: CallHomeClient[]; losses: Loss[] } {
  const losses: Loss[] = [];
  const applications = clients.flatMap((client) => {
    const lose: Lose = (line, text) =>
      void losses.push({ line, text: `client ${quote(client.name)}: ${text}` });
    return clientToModel(client, references, lose) ?? [];
  });
  return { applications, losses };
}

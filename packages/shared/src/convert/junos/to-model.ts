import {
  type CallHomeClient,
  isRemoteAddress,
  type References,
  type SshKeepalives,
  sshEndpoints,
} from '../../config/call-home-client.js';
import { quote } from '../../errors.js';
import type { Loss } from '../loss.js';
import type { OutboundSshClient, OutboundSshServer } from './outbound-ssh.js';

type Tell = (line: number | undefined, text: string) => void;

/** Of what is not carried over, and of what comes as near as the model has it. */
interface Tellers {
  readonly lose: Tell;
  readonly note: Tell;
}

/** Brings a value into the model's range. */
function clamp(value: number, min: number, max: number, what: string, note: (text: string) => void): number {
  const result = Math.min(Math.max(value, min), max);
  if (result !== value) note(`${what} ${value} becomes ${result}: the model has ${min} to ${max}`);
  return result;
}

/** Junos has it for each server, the model once for the application. */
function together(
  what: 'retry' | 'timeout',
  servers: readonly OutboundSshServer[],
  choose: (values: readonly number[]) => number,
  lose: Tell,
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

function keepalivesOf(
  { keepAlive, line }: OutboundSshClient,
  { lose, note }: Tellers,
): SshKeepalives | undefined {
  if (!keepAlive) return undefined;
  if (keepAlive.timeout === 0) {
    lose(line, 'keep-alive timeout 0 has no place in the model: there are no keep-alives');
    return undefined;
  }
  return {
    'max-wait': clamp(keepAlive.timeout, 1, 65535, 'keep-alive timeout', (text) => note(line, text)),
    'max-attempts': clamp(keepAlive.retry, 0, 255, 'keep-alive retry', (text) => note(line, text)),
  };
}

function outboundSshOf(
  { deviceId, secret, line }: OutboundSshClient,
  lose: Tell,
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
  tellers: Tellers,
): CallHomeClient | undefined {
  const { lose, note } = tellers;
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
    endpoints: { endpoint: sshEndpoints(servers, references, keepalivesOf(client, tellers)) },
    'connection-type': { persistent: {} },
    'reconnect-strategy': {
      ...(client.reconnectStrategy && {
        'start-with': client.reconnectStrategy === 'sticky' ? 'last-connected' : 'first-listed',
      }),
      'max-wait': clamp(timeout.value, 1, 65535, 'timeout', (text) => note(timeout.line, text)),
      'max-attempts': clamp(retry.value, 1, 255, 'retry', (text) => note(retry.line, text)),
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
): { applications: CallHomeClient[]; losses: Loss[]; notes: string[] } {
  const losses: Loss[] = [];
  const notes: string[] = [];
  const applications = clients.flatMap((client) => {
    const who = `client ${quote(client.name)}`;
    const lose: Tell = (line, text) => void losses.push({ line, text: `${who}: ${text}` });
    const note: Tell = (line, text) =>
      void notes.push(`${line === undefined ? '' : `line ${line}: `}${who}: ${text}`);
    return clientToModel(client, references, { lose, note }) ?? [];
  });
  return { applications, losses, notes };
}

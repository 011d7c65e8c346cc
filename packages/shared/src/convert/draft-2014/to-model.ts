import {
  type CallHomeClient,
  isRemoteAddress,
  type References,
  type SshKeepalives,
  sshEndpoints,
} from '../../config/call-home-client.js';
import { keyPredicate } from '../../config/yang/path.js';
import { quote } from '../../errors.js';
import type { Loss } from '../loss.js';
import type { Draft2014Application } from './read.js';

type Lose = (path: string, text: string) => void;

function connectionTypeOf(
  { connectionType }: Draft2014Application,
  lose: Lose,
): { readonly type: CallHomeClient['connection-type']; readonly keepalives: SshKeepalives | undefined } {
  if ('persistent' in connectionType) {
    const { intervalSecs, countMax } = connectionType.persistent.keepAlives;
    const type = { persistent: {} };
    if (intervalSecs > 0) return { type, keepalives: { 'max-wait': intervalSecs, 'max-attempts': countMax } };
    const text = 'interval-secs 0 has no place in the model: there are no keep-alives';
    lose('/connection-type/persistent/keep-alives', text);
    return { type, keepalives: undefined };
  }
  const { timeoutMins, lingerSecs } = connectionType.periodic;
  const path = '/connection-type/periodic';
  lose(
    `${path}/timeout-mins`,
    'becomes the period, which counts from the start of a connection and not from its end',
  );
  // 0 is "never" in the model
  if (lingerSecs === 0)
    lose(`${path}/linger-secs`, '0 becomes an idle-timeout of 1 s, the shortest of the model');
  return {
    type: { periodic: { period: timeoutMins, 'idle-timeout': Math.max(lingerSecs, 1) } },
    keepalives: undefined,
  };
}

function toModel(
  application: Draft2014Application,
  references: References,
  lose: Lose,
): CallHomeClient | undefined {
  const { name, description, hostKeys, reconnectStrategy } = application;
  const servers = application.servers.filter(({ address }) => {
    if (isRemoteAddress(address)) return true;
    lose('/servers', `server ${quote(address)} is neither an IP address nor a name: left out`);
    return false;
  });
  if (servers.length === 0) {
    lose('', 'there is no server: left out');
    return undefined;
  }
  if (description !== undefined) lose('/description', 'has no place in the model');
  if (hostKeys.length > 0) {
    const shown = hostKeys.slice(0, 10).map(quote);
    const more = hostKeys.length > shown.length ? ` and ${hostKeys.length - shown.length} more` : '';
    const instead = `the keystore's ${quote(references.hostKey)} takes the place of ${shown.join(', ')}${more}`;
    lose('/transport/ssh/host-keys', `keys are not part of it: ${instead}`);
  }
  const strategyPath = '/reconnect-strategy';
  lose(
    `${strategyPath}/interval-secs`,
    `the ${reconnectStrategy.intervalSecs} s between attempts have no place in the model`,
  );
  if (reconnectStrategy.countMax === 0)
    lose(`${strategyPath}/count-max`, '0 becomes 1: the model has 1 to 255');
  const { type, keepalives } = connectionTypeOf(application, lose);
  return {
    name,
    endpoints: { endpoint: sshEndpoints(servers, references, keepalives) },
    'connection-type': type,
    'reconnect-strategy': {
      'start-with': reconnectStrategy.startWith,
      'max-attempts': Math.max(reconnectStrategy.countMax, 1),
    },
  };
}

/** The applications of 2014 as those of the model. The limit of one attempt, which they do not have, is left to the model. */
export function draft2014ToModel(
  list: readonly Draft2014Application[],
  references: References,
): { applications: CallHomeClient[]; losses: Loss[] } {
  const losses: Loss[] = [];
  const applications = list.flatMap((application) => {
    const path = `/netconf/call-home/applications/application${keyPredicate(application.name)}`;
    const lose: Lose = (below, text) => void losses.push({ path: `${path}${below}`, text });
    return toModel(application, references, lose) ?? [];
  });
  return { applications, losses };
}

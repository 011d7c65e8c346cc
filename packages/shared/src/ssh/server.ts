import type { Socket } from 'node:net';
import ssh2, { type AuthContext } from 'ssh2';
import type { ServerConnection } from '../connection/connection.js';
import type { Lifecycle } from '../connection/lifecycle.js';
import { deferred } from '../deferred.js';
import { CallhomeError, peerText, reasonOf } from '../errors.js';
import { userKeyAlgorithms } from './algorithms.js';
import { guardConnection } from './flow-control.js';
import { scanIdentification } from './identification.js';
import { type KeepaliveConfig, keepAlive } from './keepalive.js';
import type { KeyPair } from './key-pair.js';
import { watchOffers } from './offers.js';
import { type RekeyLimits, watchKeys } from './rekey.js';
import { acceptSessions, type SessionOptions } from './session-channels.js';
import {
  acceptPublicKey,
  allowMessagesInLaterExchanges,
  answerLateRequests,
  isHostKeyRefusal,
  tellSignatureAlgorithms,
} from './ssh2-internals.js';
import { serverOffer, type TransportParams } from './transport-params.js';
import { authenticator, type SshUser, type Verdict } from './user-authentication.js';

/** Authentication requests on one connection: all, and those that are refused. A question whether a key would do is one. */
const maxRequests = 20;
const maxRefusals = 6;

/** How a server proves who it is, and whom it lets in. */
export interface SshServerConfig {
  readonly hostKeys: readonly KeyPair[];
  readonly users: readonly SshUser[];
  readonly transportParams: TransportParams;
  readonly keepalive: KeepaliveConfig | undefined;
}

export interface SshServerOptions extends SessionOptions {
  /** When keys are exchanged again; RFC 4253's advice by default. */
  readonly rekey?: RekeyLimits;
}

/**
 * The server end of SSH on a connected socket: proves the host key, lets the configured users in by public key, password
 * or both, and hands out a stream for each `netconf` subsystem; no shell, no command, no forwarding, no environment.
 * @throws CALLHOME_CONFIG_INVALID for algorithms that cannot be offered, CALLHOME_HANDSHAKE_TIMEOUT,
 *   CALLHOME_HANDSHAKE_FAILED, CALLHOME_NO_COMMON_ALGORITHM, CALLHOME_IDENTIFICATION_INVALID,
 *   CALLHOME_HOST_KEY_REFUSED, CALLHOME_AUTHENTICATION_FAILED, CALLHOME_PEER_CLOSED, CALLHOME_CONNECTION_LOST
 */
export function serveSsh(
  socket: Socket,
  life: Lifecycle,
  config: SshServerConfig,
  options: SshServerOptions,
): Promise<ServerConnection> {
  const authenticated = deferred<ServerConnection>();
  /** Why the user was last refused: it says more than the end of the connection that follows. */
  let refusal: CallhomeError | undefined;
  const ending = new AbortController();
  void life.ended.then((reason) => {
    ending.abort();
    authenticated.reject(refusal ?? reason);
  });
  const offer = serverOffer(config.hostKeys, config.transportParams);
  if (offer.problems.length > 0) {
    const problems = offer.problems.map(({ list, why }) => `${list}: ${why}`);
    life.cut(new CallhomeError('CALLHOME_CONFIG_INVALID', { problems }));
    return authenticated.promise;
  }
  const server = new ssh2.Server(offer);
  const judge = authenticator(config.users, ending.signal);
  life.enter('SSH identification');
  watchIdentification(socket, life);

  server.once('connection', (connection) => {
    life.enter('SSH handshake');
    const guard = guardConnection(connection, socket, life);
    allowMessagesInLaterExchanges(connection);
    answerLateRequests(connection);
    tellSignatureAlgorithms(connection, userKeyAlgorithms);
    const disagreement = watchOffers(connection, 'server', 'transport-params');
    let user = '';
    let requests = 0;
    let refusals = 0;
    const refuse = ({ username }: AuthContext, why: string): CallhomeError => {
      const name = peerText(username.slice(0, 64));
      refusal = new CallhomeError('CALLHOME_AUTHENTICATION_FAILED', { user: name, why });
      return refusal;
    };
    const answer = (context: AuthContext, verdict: Verdict): void => {
      if (life.stage === 'ended') return;
      user = context.username;
      if (verdict.kind === 'accept') {
        if (context.method === 'publickey') acceptPublicKey(context);
        else context.accept();
        return;
      }
      context.reject([...verdict.left], verdict.kind === 'partial');
      if (verdict.kind === 'inform') return;
      if (verdict.kind === 'partial') {
        refuse(context, `it has still to pass ${verdict.left.join(' and ')}`);
        return;
      }
      refusals += 1;
      const reason = refuse(context, verdict.why);
      options.log.warn({ code: reason.code, reason: reason.message }, 'user refused');
      if (refusals >= maxRefusals) life.end(reason);
    };
    connection.on('authentication', (context) => {
      requests += 1;
      if (requests > maxRequests) {
        life.end(refuse(context, `it has asked more than ${maxRequests} times`));
        return;
      }
      const verdict = judge(context);
      if (!(verdict instanceof Promise)) answer(context, verdict);
      // ssh2 throws where a client's requests, sent without waiting, have overtaken one another.
      else
        verdict
          .then((late) => answer(context, late))
          .catch((error) => life.end(connectionError(life, error)));
    });
    connection.on('error', (error) => life.end(disagreement() ?? connectionError(life, error)));
    connection.once('ready', () => {
      if (!life.open(() => connection.end())) return;
      watchKeys(connection, socket, life, options.rekey);
      acceptSessions(connection, user, options, life, guard);
      if (config.keepalive) keepAlive(connection, socket, config.keepalive, life);
      authenticated.resolve({
        transport: 'ssh',
        user,
        isOpen: () => life.stage === 'open',
        ended: life.ended,
        end: life.end,
      });
    });
  });
  server.injectSocket(socket);
  return authenticated.promise;
}

function connectionError(life: Lifecycle, error: Error): CallhomeError {
  const why = reasonOf(error);
  if (life.stage === 'open') return new CallhomeError('CALLHOME_CONNECTION_LOST', { why }, error);
  if (isHostKeyRefusal(error)) return new CallhomeError('CALLHOME_HOST_KEY_REFUSED', {}, error);
  return new CallhomeError('CALLHOME_HANDSHAKE_FAILED', { why }, error);
}

/** ssh2 speaks of a peer only once it has its identification: until then the bytes are judged here as they pass. */
function watchIdentification(socket: Socket, life: Lifecycle): void {
  let seen: Buffer = Buffer.alloc(0);
  const watch = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const scan = scanIdentification(seen, 'client');
    if (scan.kind !== 'more') socket.off('data', watch);
    if (scan.kind === 'invalid')
      life.cut(new CallhomeError('CALLHOME_IDENTIFICATION_INVALID', { why: scan.why }));
  };
  socket.on('data', watch);
}

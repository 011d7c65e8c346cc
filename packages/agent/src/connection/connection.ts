import type { Socket } from 'node:net';
import type { EndpointConfig } from '@callhome/shared/config/agent-config.js';
import { type Lifecycle, watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError, peerText, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { userKeyAlgorithms } from '@callhome/shared/ssh/algorithms.js';
import { guardConnection } from '@callhome/shared/ssh/flow-control.js';
import { scanIdentification } from '@callhome/shared/ssh/identification.js';
import { keepAlive } from '@callhome/shared/ssh/keepalive.js';
import { watchOffers } from '@callhome/shared/ssh/offers.js';
import { type RekeyLimits, watchKeys } from '@callhome/shared/ssh/rekey.js';
import {
  acceptPublicKey,
  allowMessagesInLaterExchanges,
  answerLateRequests,
  tellSignatureAlgorithms,
} from '@callhome/shared/ssh/ssh2-internals.js';
import { serverOffer } from '@callhome/shared/ssh/transport-params.js';
import { authenticator, type Verdict } from '@callhome/shared/ssh/user-authentication.js';
import ssh2, { type AuthContext } from 'ssh2';
import type { SessionChannel, SessionOrigin } from '../backend/backend.js';
import { limitIdle } from './idle.js';
import { lingerAfterSessions } from './linger.js';
import { type Sessions, serveSessions } from './sessions.js';

// ssh2's own keep-alive cannot be turned off for one server, and its timeout waits for a FIN that never comes.
Object.assign(ssh2.Server, { KEEPALIVE_CLIENT_INTERVAL: 0 });

/** Authentication requests on one connection: all, and those that are refused. A question whether a key would do is one. */
const maxRequests = 20;
const maxRefusals = 6;

export interface ServeOptions {
  /** For the handshake and authentication together. */
  readonly handshakeTimeoutSeconds: number;
  /** Session channels at once. */
  readonly maxSessions: number;
  /** Ends a connection on which no NETCONF message has passed for so long; 0 is never. */
  readonly idleTimeoutSeconds: number;
  /** How long a connection waits for another session when its last one was closed in order. */
  readonly sessionLingerSeconds: number;
  /** Takes the channel of each NETCONF session; resolves when all of the session is over. */
  readonly onSession: (channel: SessionChannel, origin: SessionOrigin) => Promise<void>;
  /** When keys are exchanged again; RFC 4253's advice by default. */
  readonly rekey?: RekeyLimits;
  readonly log: Log;
}

/** A connection whose user is authenticated. */
export interface ServedConnection {
  readonly user: string;
  readonly sessions: Sessions;
  /** Resolves, once, with the reason of its end. */
  readonly ended: Promise<CallhomeError>;
  /** Ends it in order, and by force where the peer does not follow. */
  end(reason: CallhomeError): void;
}

/**
 * The server end of SSH on a socket that was dialled: proves the host key, lets the configured users in by public key,
 * password or both, and hands out a channel for each `netconf` subsystem; no shell, no command, no forwarding, no
 * environment.
 * @throws CALLHOME_CONFIG_INVALID for algorithms that cannot be offered, CALLHOME_HANDSHAKE_TIMEOUT,
 *   CALLHOME_HANDSHAKE_FAILED, CALLHOME_NO_COMMON_ALGORITHM, CALLHOME_IDENTIFICATION_INVALID,
 *   CALLHOME_HOST_KEY_REFUSED, CALLHOME_AUTHENTICATION_FAILED, CALLHOME_PEER_CLOSED, CALLHOME_CONNECTION_LOST
 */
export function serveConnection(
  socket: Socket,
  endpoint: EndpointConfig,
  options: ServeOptions,
): Promise<ServedConnection> {
  const life = watchLifecycle(socket, options.handshakeTimeoutSeconds);
  const authenticated = deferred<ServedConnection>();
  /** Why the user was last refused: it says more than the end of the connection that follows. */
  let refusal: CallhomeError | undefined;
  const ending = new AbortController();
  void life.ended.then((reason) => {
    ending.abort();
    authenticated.reject(refusal ?? reason);
  });
  const offer = serverOffer(endpoint.hostKeys, endpoint.transportParams);
  if (offer.problems.length > 0) {
    const problems = offer.problems.map(({ list, why }) => `${list}: ${why}`);
    life.cut(new CallhomeError('CALLHOME_CONFIG_INVALID', { problems }));
    return authenticated.promise;
  }
  const server = new ssh2.Server(offer);
  const judge = authenticator(endpoint.users, ending.signal);
  watchIdentification(socket, life);

  server.once('connection', (connection) => {
    life.enter('handshake');
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
      if (!life.enter('open')) return;
      watchKeys(connection, socket, life, options.rekey);
      const end = (reason: CallhomeError): void => {
        if (life.stage === 'open') connection.end();
        life.end(reason);
      };
      const linger = lingerAfterSessions(options.sessionLingerSeconds, life.ended, end);
      const sessions = serveSessions(connection, socket, user, options, life, guard, linger);
      if (endpoint.keepalive) keepAlive(connection, socket, endpoint.keepalive, life);
      limitIdle(options.idleTimeoutSeconds, sessions, life.ended, end);
      authenticated.resolve({ user, sessions, ended: life.ended, end });
    });
  });
  server.injectSocket(socket);
  return authenticated.promise;
}

/** SSH_DISCONNECT_KEY_EXCHANGE_FAILED and HOST_KEY_NOT_VERIFIABLE (RFC 4253 §11.1): what clients say of a host key. */
const hostKeyReasons: readonly unknown[] = [3, 9];

function connectionError(life: Lifecycle, error: Error): CallhomeError {
  const why = reasonOf(error);
  if (life.stage === 'open') return new CallhomeError('CALLHOME_CONNECTION_LOST', { why }, error);
  const disconnect: unknown = Reflect.get(error, 'code');
  if (hostKeyReasons.includes(disconnect)) return new CallhomeError('CALLHOME_HOST_KEY_REFUSED', {}, error);
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

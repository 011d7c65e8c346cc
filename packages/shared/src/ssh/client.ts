import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type AuthHandlerMiddleware, type Channel, Client, type NextAuthHandler, type ParsedKey } from 'ssh2';
import type { ClientConnection } from '../connection/connection.js';
import type { Lifecycle } from '../connection/lifecycle.js';
import { deferred } from '../deferred.js';
import { CallhomeError, peerText, reasonOf } from '../errors.js';
import { algorithms } from './algorithms.js';
import { type ConnectionGuard, guardConnection } from './flow-control.js';
import { type KeepaliveConfig, keepAlive } from './keepalive.js';
import { watchOffers } from './offers.js';
import {
  allowMessagesInLaterExchanges,
  ignoreErrors,
  onChannelOpened,
  openChannels,
  refuseHostKey,
} from './ssh2-internals.js';

/** For a device to answer the opening of a channel. */
const channelTimeoutMs = 30_000;

/** As whom to log in, and how. */
export interface SshLogin {
  readonly user: string;
  readonly key: ParsedKey;
  readonly keepalive: KeepaliveConfig | undefined;
}

/** A server that has proved its host key, and has been shown nothing of ours yet. */
export interface ProvedServer {
  /** In the SSH wire format. */
  readonly hostKey: Buffer;
  /** @throws the reason with which the connection ends: CALLHOME_AUTHENTICATION_FAILED, and any other */
  logIn(login: SshLogin): Promise<ClientConnection>;
  /** Tells it that nobody knows its key, and ends the connection for a reason. */
  refuse(reason: CallhomeError): void;
}

/**
 * The client end of SSH on a connected socket, with the server's identification next: until its signature has proved the
 * host key, and no further. Rejects with the reason with which `life` ends.
 * @param onClaimed is told the key that was shown: anybody can show it
 */
export function proveServer(
  socket: Socket,
  life: Lifecycle,
  onClaimed: (hostKey: Buffer) => void = () => undefined,
): Promise<ProvedServer> {
  const proved = deferred<ProvedServer>();
  const connected = deferred<ClientConnection>();
  /** ssh2's question how to log in, and our answer: either may be there first. */
  const asked = deferred<NextAuthHandler>();
  let login: SshLogin | undefined;
  let claim: Buffer | undefined;
  const client = new Client();
  for (const { promise } of [connected, asked]) promise.catch(() => undefined);
  void life.ended.then((reason) => {
    for (const waiting of [proved, connected, asked]) waiting.reject(reason);
  });

  // Until the handshake is complete the key is a claim: ssh2 asks before it has checked the signature.
  const verifyHostKey = (blob: Buffer, verify: (valid: boolean) => void): void => {
    // In a later exchange of keys it is the same server that goes on.
    if (claim) {
      verify(claim.equals(blob));
      return;
    }
    claim = Buffer.from(blob);
    onClaimed(claim);
    verify(true);
  };

  const authenticate: AuthHandlerMiddleware = (methods, partialSuccess, next) => {
    if (life.stage === 'ended') return;
    if (!login) {
      asked.resolve(next);
      return;
    }
    const what = partialSuccess
      ? 'the device wants more than the key'
      : "the device does not let the collector's key in";
    // null, whatever its type says, where the device has no signature algorithm of the key (RFC 8308 §3.1).
    const why = `${what}; it accepts: ${peerText(methods?.join(', ') ?? 'other kinds of keys')}`;
    client.end();
    life.end(new CallhomeError('CALLHOME_AUTHENTICATION_FAILED', { user: login.user, why }));
  };

  if (!life.enter('SSH handshake')) return proved.promise;
  client.connect({
    sock: socket,
    // The user is known once the device is; ssh2 wants one before.
    username: '',
    authHandler: authenticate,
    hostVerifier: verifyHostKey,
    algorithms,
    readyTimeout: 0,
    keepaliveInterval: 0,
  });
  const guard = guardConnection(client, socket, life);
  onChannelOpened(client, ignoreErrors);
  allowMessagesInLaterExchanges(client);
  const disagreement = watchOffers(client, 'client', undefined);
  client.on('error', (error) => {
    const code = life.stage === 'open' ? 'CALLHOME_CONNECTION_LOST' : 'CALLHOME_HANDSHAKE_FAILED';
    life.end(disagreement() ?? new CallhomeError(code, { why: reasonOf(error) }, error));
  });
  client.once('handshake', () => {
    if (!claim) return;
    const hostKey = claim;
    client.once('ready', () => {
      if (!login) {
        const why = 'the device has let in somebody who did not ask';
        life.cut(new CallhomeError('CALLHOME_HANDSHAKE_FAILED', { why }));
        return;
      }
      if (!life.open(() => client.end())) return;
      if (login.keepalive) keepAlive(client, socket, login.keepalive, life);
      connected.resolve({
        transport: 'ssh',
        peer: { transport: 'ssh', hostKey },
        isOpen: () => life.stage === 'open',
        ended: life.ended,
        end: life.end,
        traffic: () => ({ received: socket.bytesRead, sent: socket.bytesWritten }),
        maxSessions: Number.POSITIVE_INFINITY,
        openSession: sessionOpener(client, guard, life),
      });
    });
    proved.resolve({
      hostKey,
      async logIn(given) {
        const answer = await asked.promise;
        login = given;
        answer({ type: 'publickey', username: given.user, key: given.key });
        return await connected.promise;
      },
      refuse(reason) {
        if (life.stage === 'opening') refuseHostKey(client);
        life.end(reason);
      },
    });
  });
  return proved.promise;
}

/** Opens channels one after the other, so that one whose subsystem is refused can be told from those that are in use. */
function sessionOpener(client: Client, guard: ConnectionGuard, life: Lifecycle): () => Promise<Duplex> {
  const handedOut = new WeakSet<Channel>();
  let last: Promise<unknown> = Promise.resolve();
  let giveUp: (reason: CallhomeError) => void = () => undefined;
  void life.ended.then((reason) => giveUp(reason));

  const open = (): Promise<Channel> =>
    new Promise((resolve, reject) => {
      let waiting = true;
      const fail = (reason: CallhomeError): void => {
        clearTimeout(timer);
        waiting = false;
        for (const channel of openChannels(client)) if (!handedOut.has(channel)) channel.destroy();
        reject(reason);
      };
      const lose = (reason: CallhomeError): void =>
        fail(new CallhomeError('CALLHOME_CONNECTION_LOST', { why: reason.message }, reason));
      const refuse = (why: string, answered: boolean, cause?: unknown): void => {
        // Where the connection is over, its reason says more than what ssh2 makes of it.
        if (life.stage === 'ended') void life.ended.then(lose);
        else fail(new CallhomeError('CALLHOME_CHANNEL_REFUSED', { why, answered }, cause));
      };
      giveUp = lose;
      const timer = setTimeout(
        () => refuse(`the device did not answer within ${channelTimeoutMs / 1000} s`, false),
        channelTimeoutMs,
      );
      try {
        client.subsys('netconf', (error, channel) => {
          if (!waiting) {
            channel?.destroy();
            return;
          }
          if (error) {
            refuse(reasonOf(error), true, error);
            return;
          }
          clearTimeout(timer);
          handedOut.add(channel);
          guard.guardChannel(channel);
          resolve(channel);
        });
      } catch (error) {
        // ssh2 throws where the connection is gone already.
        refuse(reasonOf(error), false, error);
      }
    });

  return () => {
    const opened = last.then(open);
    last = opened.catch(() => undefined);
    return opened;
  };
}

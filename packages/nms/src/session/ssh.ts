import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import { deferred } from '@callhome/shared/deferred.js';
import { CallhomeError, peerText, reasonOf } from '@callhome/shared/errors.js';
import { algorithms } from '@callhome/shared/ssh/algorithms.js';
import { type ConnectionGuard, guardConnection } from '@callhome/shared/ssh/flow-control.js';
import { type KeepaliveConfig, keepAlive } from '@callhome/shared/ssh/keepalive.js';
import { watchOffers } from '@callhome/shared/ssh/offers.js';
import { fingerprint, keyType } from '@callhome/shared/ssh/public-key.js';
import {
  allowMessagesInLaterExchanges,
  onChannelOpened,
  openChannels,
} from '@callhome/shared/ssh/ssh2-internals.js';
import { type AuthHandlerMiddleware, type Channel, Client, type ParsedKey } from 'ssh2';
import type { DeviceDefinition } from '../registry/registry.js';

/** For a device to answer the opening of a channel. Milliseconds. */
const channelTimeout = 30_000;

export interface SshClientOptions {
  /** The device that has this host key. Decided at once: ssh2 takes anything but an immediate `false` for consent. */
  readonly identify: (hostKey: Buffer) => DeviceDefinition | undefined;
  /** The collector's key. */
  readonly signer: ParsedKey;
  /** Whom to log in as at a device that has no user of its own. */
  readonly user: string;
  readonly keepalive: KeepaliveConfig | undefined;
}

/** A device that has proved its host key and let the collector in. */
export interface SshDevice {
  readonly device: DeviceDefinition;
  /** The host key that it proved, in the SSH wire format. */
  readonly hostKey: Buffer;
  /** A channel with the `netconf` subsystem. @throws CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST */
  openChannel(): Promise<Duplex>;
  /** Says goodbye and ends the connection. */
  end(reason: CallhomeError): void;
}

/** What is learned of a device while it connects. */
export interface SshClientEvents {
  /** Whose key was shown: anybody can show it. */
  onClaimed(device: DeviceDefinition): void;
  /** Who it is, once its signature has proved the key. */
  onProved(device: DeviceDefinition): void;
}

/**
 * The client end of SSH on a socket that was accepted, with the device's identification next: verifies the host key,
 * and only then logs in with the user of the device that the key belongs to (RFC 8071 §3.1). Rejects with the reason
 * with which `life` ends.
 */
export function connectSsh(
  socket: Socket,
  life: Lifecycle,
  options: SshClientOptions,
  events: Partial<SshClientEvents> = {},
): Promise<SshDevice> {
  const connected = deferred<SshDevice>();
  void life.ended.then(connected.reject);
  const client = new Client();
  let claim: { readonly device: DeviceDefinition; readonly blob: Buffer } | undefined;

  /** Says more than the failed handshake that follows from it. */
  let refusal: CallhomeError | undefined;

  // Until the handshake is complete the key is a claim: ssh2 asks before it has checked the signature.
  const verifyHostKey = (blob: Buffer, verify: (valid: boolean) => void): void => {
    if (claim) {
      // A rekeying: the same device goes on, whatever the registry says by now.
      verify(claim.blob.equals(blob));
      return;
    }
    const device = options.identify(blob);
    if (device) {
      claim = { device, blob: Buffer.from(blob) };
      events.onClaimed?.(device);
    } else {
      const facts = { fingerprint: fingerprint(blob), keyType: keyType(blob) };
      refusal = new CallhomeError('CALLHOME_HOST_KEY_UNKNOWN', facts);
    }
    verify(device !== undefined);
  };

  let offered = false;
  const authenticate: AuthHandlerMiddleware = (methods, partialSuccess, next) => {
    if (!claim || life.stage === 'ended') return;
    const user = claim.device.user ?? options.user;
    if (!offered) {
      offered = true;
      next({ type: 'publickey', username: user, key: options.signer });
      return;
    }
    const what = partialSuccess
      ? 'the device wants more than the key'
      : "the device does not let the collector's key in";
    // null, whatever its type says, where the device has no signature algorithm of the key (RFC 8308 §3.1).
    const why = `${what}; it accepts: ${peerText(methods?.join(', ') ?? 'other kinds of keys')}`;
    client.end();
    life.end(new CallhomeError('CALLHOME_AUTHENTICATION_FAILED', { user, why }));
  };

  if (!life.enter('handshake')) return connected.promise;
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
  // What fails on a stream that nobody has yet, or any more, concerns nobody.
  onChannelOpened(client, (channel) => {
    channel.on('error', () => undefined);
    channel.stderr.on('error', () => undefined);
  });
  allowMessagesInLaterExchanges(client);
  const disagreement = watchOffers(client, 'client', undefined);
  client.on('error', (error) => {
    const code = life.stage === 'open' ? 'CALLHOME_CONNECTION_LOST' : 'CALLHOME_HANDSHAKE_FAILED';
    life.end(refusal ?? disagreement() ?? new CallhomeError(code, { why: reasonOf(error) }, error));
  });
  client.once('handshake', () => {
    if (claim) events.onProved?.(claim.device);
  });
  client.once('ready', () => {
    if (!claim || !life.enter('open')) return;
    if (options.keepalive) keepAlive(client, socket, options.keepalive, life);
    connected.resolve({
      device: claim.device,
      hostKey: claim.blob,
      openChannel: channelOpener(client, guard, life),
      end(reason) {
        if (life.stage === 'open') client.end();
        life.end(reason);
      },
    });
  });
  return connected.promise;
}

/** Opens channels one after the other, so that one whose subsystem is refused can be told from those that are in use. */
function channelOpener(client: Client, guard: ConnectionGuard, life: Lifecycle): () => Promise<Duplex> {
  const handedOut = new WeakSet<Channel>();
  let last: Promise<unknown> = Promise.resolve();
  let giveUp: (reason: CallhomeError) => void = () => undefined;
  void life.ended.then((reason) => giveUp(reason));

  const open = (): Promise<Channel> =>
    new Promise((resolve, reject) => {
      let waiting = true;
      const refuse = (why: string, cause?: unknown): void => {
        clearTimeout(timer);
        waiting = false;
        for (const channel of openChannels(client)) if (!handedOut.has(channel)) channel.destroy();
        reject(new CallhomeError('CALLHOME_CHANNEL_REFUSED', { why }, cause));
      };
      giveUp = (reason) => refuse(reason.message, reason);
      const timer = setTimeout(
        () => refuse(`the device did not answer within ${channelTimeout / 1000} s`),
        channelTimeout,
      );
      try {
        client.subsys('netconf', (error, channel) => {
          if (!waiting) {
            channel?.destroy();
            return;
          }
          if (error) {
            refuse(reasonOf(error), error);
            return;
          }
          clearTimeout(timer);
          handedOut.add(channel);
          guard.guardChannel(channel);
          resolve(channel);
        });
      } catch (error) {
        // ssh2 throws where the connection is gone already.
        refuse(reasonOf(error), error);
      }
    });

  return () => {
    const opened = last.then(open);
    last = opened.catch(() => undefined);
    return opened;
  };
}

import type { Duplex } from 'node:stream';
import { CallhomeError, isCallhomeError } from '@callhome/shared/errors.js';
import type { Emit } from '../events/events.js';
import { likelyClone, recentTakeovers, type Takeover } from '../identity/clones.js';
import { provedKey } from '../identity/proof.js';
import { concerned, revocation } from '../identity/revocation.js';
import type { RegistryChange } from '../registry/registry.js';
import type { LoggedIn, Manage } from '../session/calls.js';
import { type OwnSession, openOwnSession } from '../session/own-session.js';
import type { Unmanaged } from '../session/unmanaged.js';
import type { Fleet, ReachedDevice } from './fleet.js';
import { createPlaces, type Places } from './places.js';

/** A device under management. */
interface Managed extends LoggedIn {
  readonly own: OwnSession;
  /** Those of operators' own sessions. */
  readonly places: Places;
}

/** The devices whose connections are in this process, one each. */
export interface LocalFleet extends Fleet {
  /**
   * Opens the collector's own session with a device, and lets the connection take the place of the device's former one.
   * @throws CALLHOME_CHANNEL_REFUSED, CALLHOME_CONNECTION_LOST, and what `openClientSession` throws
   */
  readonly manage: Manage;
  /** Ends what must end because of a change of the registry. */
  follow(change: RegistryChange): void;
  size(): number;
}

/**
 * @param owner the collector's name in the registry
 * @param unmanaged connections of devices that are not under management yet
 */
export function createLocalFleet(
  owner: string,
  helloTimeoutMs: number,
  unmanaged: Unmanaged,
  emit: Emit,
): LocalFleet {
  const managed = new Map<string, { readonly device: Managed; readonly over: Promise<void> }>();
  const takeovers = new Map<string, readonly Takeover[]>();

  const cloneOf = (device: string): string | undefined =>
    likelyClone(takeovers.get(device) ?? [], performance.now());

  /** Why a connection gives way to a call of the same device. */
  function replacement({ device, host, call }: Managed, from: string): CallhomeError {
    if (from !== host) {
      const now = performance.now();
      const recent = recentTakeovers(takeovers.get(device) ?? [], now);
      takeovers.set(device, [...recent, { at: now, from, to: host }]);
    }
    const { remoteAddress } = call;
    const other = cloneOf(device);
    return other === undefined
      ? new CallhomeError('CALLHOME_REPLACED', { remoteAddress })
      : new CallhomeError('CALLHOME_LIKELY_CLONE', { remoteAddress, other });
  }

  /** From the end of the device's former connection to the end of this one. */
  async function followToEnd(taken: Managed, former: Promise<void> | undefined): Promise<void> {
    const { device, connection, call, own } = taken;
    const connectedAt = new Date().toISOString();
    const { sessionId = 0, capabilities = [] } = own.current ?? {};
    await former;
    const facts = {
      transport: connection.transport,
      remoteAddress: call.remoteAddress,
      hostKey: provedKey(connection.peer).fingerprint,
      sessionId,
      capabilities,
      connectedAt,
    };
    emit({ kind: 'device-connected', call, device, facts });
    const { code, message: reason } = await connection.ended;
    const end = { at: new Date().toISOString(), code, reason, bytes: connection.traffic() };
    if (managed.get(device)?.device === taken) managed.delete(device);
    if (recentTakeovers(takeovers.get(device) ?? [], performance.now()).length === 0)
      takeovers.delete(device);
    emit({ kind: 'device-disconnected', call, device, facts, end });
  }

  function take(arrived: Managed): Promise<void> {
    const former = managed.get(arrived.device);
    former?.device.connection.end(replacement(arrived, former.device.host));
    const over = followToEnd(arrived, former?.over);
    managed.set(arrived.device, { device: arrived, over });
    return over;
  }

  /** A device that has room for one session only gives it to who wants one of their own. */
  async function openSession({ connection, own }: Managed): Promise<Duplex> {
    const open = (): Promise<Duplex> => connection.openSession();
    if (connection.maxSessions === 1) return (await own.giveWayTo(open)) ?? (await open());
    try {
      return await open();
    } catch (error) {
      const refused = isCallhomeError(error, 'CALLHOME_CHANNEL_REFUSED') && error.facts.answered;
      const stream = refused ? await own.giveWayTo(open) : undefined;
      if (!stream) throw error;
      return stream;
    }
  }

  function send({ own, settings }: Managed): ReachedDevice['send'] {
    const { replyTimeoutSeconds } = settings;
    const usual = replyTimeoutSeconds === undefined ? {} : { timeoutMs: replyTimeoutSeconds * 1000 };
    return (operation, options) => own.send(operation, { ...usual, ...options });
  }

  return {
    async manage(arrived, taken) {
      const { device, connection, call } = arrived;
      const own = await openOwnSession(connection, {
        helloTimeoutMs,
        onReplaced: ({ sessionId }, reason) =>
          emit({ kind: 'session-replaced', call, device, session: sessionId, reason }),
      });
      const over = take({ ...arrived, own, places: createPlaces(device, arrived.settings.maxSessions) });
      taken();
      await over;
    },
    follow(change) {
      unmanaged.follow(change);
      const device = managed.get(concerned(change))?.device;
      const reason = device && revocation(change, device.connection.peer, owner);
      if (reason) device.connection.end(reason);
    },
    size: () => managed.size,

    async reach(id): Promise<ReachedDevice> {
      const device = managed.get(id)?.device;
      if (!device) throw new CallhomeError('CALLHOME_DEVICE_NOT_CONNECTED', { device: id });
      return {
        send: send(device),
        openSession: () => device.places.take(() => openSession(device)),
        isLost: () => !device.connection.isOpen(),
      };
    },
    async presence(id) {
      const device = managed.get(id)?.device;
      const clone = cloneOf(id);
      return {
        connected: device !== undefined,
        ...(device && { traffic: device.connection.traffic() }),
        ...(device?.own.current && {
          sessionId: device.own.current.sessionId,
          capabilities: device.own.current.capabilities,
        }),
        ...(clone !== undefined && { likelyClone: clone }),
      };
    },
    async end(id, reason) {
      unmanaged.end(id, reason);
      const taken = managed.get(id);
      taken?.device.connection.end(reason);
      await taken?.over;
    },
    connected: async () => managed.size,
  };
}

import type { Socket } from 'node:net';
import type { NmsConfig } from '@callhome/shared/config/nms-config.js';
import type { ClientConnection, HostProof } from '@callhome/shared/connection/connection.js';
import { type Lifecycle, watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { deferred } from '@callhome/shared/deferred.js';
import { areDescriptorsFew } from '@callhome/shared/descriptors.js';
import { CallhomeError, toCallhomeError } from '@callhome/shared/errors.js';
import type { CallFacts, Emit } from '../events/events.js';
import { identify, type KnownOf } from '../identity/identify.js';
import { ownerOf, provedKey } from '../identity/proof.js';
import { admit, type Newcomer, sourceOf } from '../listen/admission.js';
import type { HostKey } from '../registry/host-key.js';
import type { StrangersCall } from '../registry/pending-keys.js';
import type { CalledDevice, CallStage, Registry, RegistryChange } from '../registry/registry.js';
import { type DeviceSettings, settled } from '../registry/settings.js';
import type { Prove, ProvedCaller } from './prove.js';
import type { Unmanaged } from './unmanaged.js';

/** Where devices call. */
export interface CalledListener {
  readonly name: string;
  readonly prove: Prove;
}

/** A device that has proved who it is and let the collector in. */
export interface LoggedIn {
  readonly device: string;
  readonly connection: ClientConnection;
  readonly call: CallFacts;
  /** Where it calls from. */
  readonly host: string;
  /** What holds for it. */
  readonly settings: DeviceSettings;
}

/**
 * Brings a device under management, and follows it to the end of its connection.
 * @param taken is told when it is: whatever ends its connection from then on is the fleet's
 * @throws what keeps it from being managed
 */
export type Manage = (arrived: LoggedIn, taken: () => void) => Promise<void>;

/** What calls need of the rest of the collector. */
export interface CallParts {
  readonly admission: NmsConfig['admission'];
  readonly registry: Registry;
  readonly unmanaged: Unmanaged;
  readonly manage: Manage;
  readonly emit: Emit;
}

/** The calls of devices, from their admission to the end of their connections. */
export interface Calls {
  /** Takes a call, or refuses it. */
  take(socket: Socket, listener: CalledListener): void;
  /** Whom a call is looked up for while it changes is looked up again. */
  follow(change: RegistryChange): void;
  /** Ends all calls; resolves when the last of what is to be told of them was told. */
  end(reason: CallhomeError): Promise<void>;
}

/** A call that was taken, and what it has shown of itself so far. */
interface Call {
  readonly facts: CallFacts;
  readonly host: string;
  readonly life: Lifecycle;
  readonly newcomer: Newcomer & { silent: boolean; readonly life: Lifecycle };
  /** What it wants to prove, until it has: anybody can, and it is not to be held against the device. */
  claim: HostProof | undefined;
  /** Who it is, once that is proved. */
  device?: string;
  /** What comes next for it, from then on. */
  stage?: CallStage;
}

/** What a call waits for, for people. */
const lookup = 'look-up in the registry';

/** What a promise comes to, unless the connection ends before: then rejects with the reason. */
async function whileAlive<T>(life: Lifecycle, promise: Promise<T>): Promise<T> {
  // The race comes to nothing: for as long as the connection lives, its end keeps what races with it.
  const answered = promise.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([answered, life.ended.then(() => undefined)]);
  if (life.stage === 'ended') throw await life.ended;
  return promise;
}

/** What is remembered of a caller that nobody knows. */
function strangerOf({ facts }: Call, { proof, said }: ProvedCaller): { key: HostKey; call: StrangersCall } {
  const { source, listener, remoteAddress } = facts;
  return {
    key: provedKey(proof),
    call: { at: new Date().toISOString(), source, listener, remoteAddress, said },
  };
}

export function takeCalls({ admission, registry, unmanaged, manage, emit }: CallParts): Calls {
  /** All whose story is not over. */
  const calls = new Map<Call, Promise<void>>();
  /** Those that have not authenticated yet, in the order in which they came. */
  const newcomers = new Set<Call['newcomer']>();
  let connections = 0;
  let lastConnection = 0;
  /** How often the registry has changed what it says of any device. */
  let changes = 0;

  /** The registry's answer. @throws what it throws, and CALLHOME_HANDSHAKE_TIMEOUT where it gives none */
  async function answered<T>(answer: Promise<T>): Promise<T> {
    const seconds = admission.handshakeTimeoutSeconds;
    const late = deferred<never>();
    const timer = setTimeout(
      () => late.reject(new CallhomeError('CALLHOME_HANDSHAKE_TIMEOUT', { seconds, stage: lookup })),
      seconds * 1000,
    );
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function knownOf(proof: HostProof): Promise<KnownOf> {
    const owner = await ownerOf(registry, proof);
    const pending = owner ? undefined : await registry.pending.get(provedKey(proof).fingerprint);
    return { owner, pending };
  }

  /** Lets it in among those that have still to authenticate, or refuses it. */
  function admitCall(socket: Socket, listener: string): Call | undefined {
    const host = socket.remoteAddress ?? 'unknown';
    const remoteAddress = `${host} port ${socket.remotePort ?? 0}`;
    const origin = { listener, source: sourceOf(host), remoteAddress };
    const now = performance.now();
    const load = { connections, newcomers, fewDescriptors: areDescriptorsFew() };
    const verdict = admit(load, admission, origin.source, now);
    if (verdict.kind === 'refused') {
      emit({ kind: 'call-refused', call: origin, rule: verdict.rule });
      socket.destroy();
      return undefined;
    }
    if (verdict.insteadOf) {
      newcomers.delete(verdict.insteadOf);
      verdict.insteadOf.life.cut(new CallhomeError('CALLHOME_GAVE_WAY', {}));
    }
    connections += 1;
    lastConnection += 1;
    const life = watchLifecycle(socket, admission.handshakeTimeoutSeconds);
    const newcomer = { source: origin.source, since: now, silent: true, life };
    newcomers.add(newcomer);
    void life.ended.then(() => {
      connections -= 1;
    });
    const facts = { ...origin, connection: lastConnection };
    emit({ kind: 'call-accepted', call: facts });
    return { facts, host, life, newcomer, claim: undefined };
  }

  function prove(call: Call, socket: Socket, listener: CalledListener): Promise<ProvedCaller> {
    return listener.prove(socket, call.life, {
      onFirstWords() {
        call.newcomer.silent = false;
      },
      onClaimed(claim) {
        call.claim = claim;
      },
    });
  }

  /** Who has proved itself; whom nobody knows is refused, and has been shown no user, no credential and no signature. */
  async function identifyCaller(call: Call, caller: ProvedCaller): Promise<CalledDevice> {
    const { proof } = caller;
    call.claim = undefined;
    call.life.enter(lookup);
    let known: KnownOf;
    let before: number;
    // What is decided is what holds now: from here on the registry's changes are followed.
    do {
      before = changes;
      known = await whileAlive(call.life, answered(knownOf(proof)));
    } while (before !== changes);
    const identity = identify(proof, known);
    if (identity.kind !== 'known') {
      if (identity.kind !== 'unfit') emit({ kind: 'stranger-called', ...strangerOf(call, caller) });
      caller.refuse(identity.reason);
      throw identity.reason;
    }
    call.life.enter('authentication');
    call.device = identity.device.id;
    call.stage = 'log-in';
    unmanaged.add(call.device, { life: call.life, proof, remoteAddress: call.facts.remoteAddress });
    return identity.device;
  }

  async function tellFailure({ facts, life, device, claim, stage }: Call, error: unknown): Promise<void> {
    life.end(toCallhomeError(error));
    const { code, message: reason } = await life.ended;
    const owner =
      device === undefined && claim
        ? await answered(ownerOf(registry, claim)).catch(() => undefined)
        : undefined;
    if (device !== undefined) unmanaged.remove(device, life);
    const { remoteAddress } = facts;
    const at = new Date().toISOString();
    const failure = { at, remoteAddress, ...(stage && { stage }), code, reason };
    emit({ kind: 'call-failed', call: facts, device, claimed: owner?.id, failure });
  }

  async function follow(call: Call, socket: Socket, listener: CalledListener): Promise<void> {
    try {
      const caller = await prove(call, socket, listener);
      const device = await identifyCaller(call, caller);
      const settings = settled(device.profileSettings, device.settings);
      const connection = await caller.logIn(settings);
      newcomers.delete(call.newcomer);
      call.stage = 'session';
      const arrived = { device: device.id, connection, call: call.facts, host: call.host, settings };
      await manage(arrived, () => unmanaged.remove(device.id, call.life));
    } catch (error) {
      newcomers.delete(call.newcomer);
      await tellFailure(call, error);
    }
  }

  return {
    take(socket, listener) {
      const call = admitCall(socket, listener.name);
      if (!call) return;
      const story = follow(call, socket, listener).finally(() => calls.delete(call));
      calls.set(call, story);
    },
    follow(change) {
      if (change.kind !== 'held') changes += 1;
    },
    async end(reason) {
      for (const { life } of calls.keys()) life.end(reason);
      await Promise.all(calls.values());
    },
  };
}

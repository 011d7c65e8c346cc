import type { Socket } from 'node:net';
import type { ListenerConfig, NmsConfig } from '@callhome/shared/config/nms-config.js';
import { type Lifecycle, watchLifecycle } from '@callhome/shared/connection/lifecycle.js';
import { areDescriptorsFew } from '@callhome/shared/descriptors.js';
import { CallhomeError, isCallhomeError, reasonOf, toCallhomeError } from '@callhome/shared/errors.js';
import { gatherLines } from '@callhome/shared/gathered-lines.js';
import type { Log } from '@callhome/shared/log.js';
import { signer } from '@callhome/shared/ssh/key-pair.js';
import type { Fleet } from './fleet.js';
import { followKnownKeys } from './identity/known-keys.js';
import { admit, type Newcomer, sourceOf } from './listen/admission.js';
import { readToIdentification } from './listen/identification.js';
import { type Listener, listen } from './listen/listener.js';
import type { FailedCall, Registry } from './registry/registry.js';
import { type ManagedConnection, manageDevice } from './session/device-connection.js';
import { type Caller, createManagedDevices } from './session/managed-devices.js';
import { connectSsh, type SshClientOptions, type SshDevice } from './session/ssh.js';
import { limitUnmanaged } from './session/unmanaged.js';

/** A running collector. */
export interface Collector extends Fleet {
  addresses(): readonly { readonly name: string; readonly address: string; readonly port: number }[];
  /** Takes no more calls, ends all connections, and resolves when the registry knows. */
  stop(): Promise<void>;
}

/**
 * Listens for calls and brings the devices of the registry under management.
 * @throws CALLHOME_PORT_IN_USE, CALLHOME_LISTEN_FAILED
 */
export async function startCollector(config: NmsConfig, registry: Registry, log: Log): Promise<Collector> {
  const knownKeys = await followKnownKeys(registry);
  const counters: Record<string, number> = {};
  /** Every call whose story is not over: its connection, and what the registry has to learn of it. */
  const calls = new Set<{ readonly end: (reason: CallhomeError) => void; readonly over: Promise<void> }>();
  /** Those that have not authenticated yet, in the order in which they came. */
  const newcomers = new Set<Newcomer & { readonly life: Lifecycle }>();
  const unmanaged = limitUnmanaged();
  const lines = gatherLines();
  let connections = 0;
  let lastConnection = 0;

  const count = (name: string): void => {
    counters[name] = (counters[name] ?? 0) + 1;
  };
  const managed = createManagedDevices(registry, count);

  async function keepFailure(device: string, call: FailedCall): Promise<void> {
    await registry
      .callFailed(device, call)
      .catch((error) => log.error({ device, reason: reasonOf(error) }, 'the registry was not written'));
  }

  function takeCall(socket: Socket, listener: string, options: SshClientOptions): void {
    const host = socket.remoteAddress ?? 'unknown';
    const source = sourceOf(host);
    const remoteAddress = `${host} port ${socket.remotePort ?? 0}`;
    const caller: Caller = { host, address: remoteAddress };
    const now = performance.now();
    const load = { connections, newcomers, fewDescriptors: areDescriptorsFew() };
    const verdict = admit(load, config.admission, source, now);
    if (verdict.kind === 'refused') {
      const reason = verdict.rule;
      count(`refused.${reason}`);
      lines.add(source, reason, (others) =>
        log.warn({ listener, remoteAddress, reason, ...(others > 0 && { others }) }, 'call refused'),
      );
      socket.destroy();
      return;
    }
    if (verdict.insteadOf) {
      newcomers.delete(verdict.insteadOf);
      verdict.insteadOf.life.cut(new CallhomeError('CALLHOME_GAVE_WAY', {}));
    }
    count('accepted');
    connections += 1;
    lastConnection += 1;
    const callLog = log.child({ connection: lastConnection, listener, remoteAddress });
    const life = watchLifecycle(socket, config.admission.handshakeTimeoutSeconds);
    const newcomer = { source, since: now, silent: true, life };
    newcomers.add(newcomer);
    void life.ended.then(() => {
      connections -= 1;
    });
    /** Who calls, once it has proved its key. */
    let device: string | undefined;
    /** Whose key it has shown, which anybody can: not to be held against that device. */
    let claimed: string | undefined;
    const call = { end: life.end, over: followCall() };
    calls.add(call);
    void call.over.then(() => calls.delete(call));

    async function logIn(): Promise<SshDevice> {
      try {
        await readToIdentification(socket, life, () => {
          newcomer.silent = false;
        });
        return await connectSsh(socket, life, options, {
          onClaimed({ id }) {
            claimed = id;
          },
          onProved({ id }) {
            device = id;
            unmanaged.add(id, life, remoteAddress);
          },
        });
      } finally {
        newcomers.delete(newcomer);
      }
    }

    async function manage(): Promise<ManagedConnection> {
      const ssh = await logIn();
      const connection = await manageDevice(ssh, life, config.admission.handshakeTimeoutSeconds);
      // It may have been removed since it proved its key.
      if (options.identify(ssh.hostKey) === ssh.device) return connection;
      throw new CallhomeError('CALLHOME_DISCONNECTED', { reason: 'the device was removed' });
    }

    async function followCall(): Promise<void> {
      try {
        const connection = await manage();
        unmanaged.remove(connection.device, life);
        await managed.follow(connection, life, caller, callLog.child({ device: connection.device }));
      } catch (error) {
        life.end(toCallhomeError(error));
        const { code, message: reason } = await life.ended;
        count(`failed.${code}`);
        lines.add(device ?? source, code, (others) =>
          callLog.warn(
            {
              ...(device === undefined ? claimed !== undefined && { claimed } : { device }),
              code,
              reason,
              ...(others > 0 && { others }),
            },
            'call failed',
          ),
        );
        if (device !== undefined) {
          unmanaged.remove(device, life);
          await keepFailure(device, { at: new Date().toISOString(), remoteAddress, code, reason });
        }
      }
    }
  }

  const listeners: (Listener & { readonly name: string })[] = [];
  const openListener = async (listener: ListenerConfig): Promise<void> => {
    const options = {
      identify: knownKeys.find,
      signer: signer(listener.identity),
      user: listener.user,
      keepalive: listener.keepalive,
    };
    for (const { address, port } of listener.binds) {
      try {
        const opened = await listen(
          { address, port, keepaliveSeconds: listener.tcpKeepaliveSeconds },
          (socket) => takeCall(socket, listener.name, options),
        );
        listeners.push({ ...opened, name: listener.name });
      } catch (error) {
        // A host without IPv6 still serves its IPv4 address.
        if (address !== '::' || listener.binds.length === 1 || isCallhomeError(error, 'CALLHOME_PORT_IN_USE'))
          throw error;
        log.warn({ listener: listener.name, reason: reasonOf(error) }, 'IPv6 is not served');
      }
    }
  };
  const close = (): void => {
    knownKeys.stop();
    for (const listener of listeners) listener.close();
  };
  try {
    for (const listener of config.listeners) await openListener(listener);
  } catch (error) {
    close();
    throw error;
  }

  return {
    connection: managed.connection,
    likelyClone: managed.likelyClone,
    connected: managed.size,
    disconnect: (device, reason) =>
      managed.connection(device)?.end(new CallhomeError('CALLHOME_DISCONNECTED', { reason })),
    counters: () => ({ ...counters }),
    addresses: () => listeners.map(({ name, address, port }) => ({ name, address, port })),
    async stop() {
      close();
      for (const connection of managed.all()) connection.end(new CallhomeError('CALLHOME_STOPPED', {}));
      for (const call of calls) call.end(new CallhomeError('CALLHOME_STOPPED', {}));
      await Promise.all([...calls].map((call) => call.over));
      lines.flush();
    },
  };
}

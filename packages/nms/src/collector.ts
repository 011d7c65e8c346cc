import type { ListenerConfig, NmsConfig } from '@callhome/shared/config/nms-config.js';
import { CallhomeError, isCallhomeError, reasonOf } from '@callhome/shared/errors.js';
import type { Log } from '@callhome/shared/log.js';
import { type Counters, createCounters } from './events/counters.js';
import { createEvents, type Events } from './events/events.js';
import { keepHistory } from './events/history.js';
import { writeLogLines } from './events/log-lines.js';
import { keepRetention } from './events/retention.js';
import type { Fleet } from './fleet/fleet.js';
import { createLocalFleet } from './fleet/local-fleet.js';
import { type Listener, listen } from './listen/listener.js';
import type { Registry } from './registry/registry.js';
import { takeCalls } from './session/calls.js';
import { proverFor } from './session/prove.js';
import { limitUnmanaged } from './session/unmanaged.js';

/** A running collector. */
export interface Collector {
  readonly fleet: Fleet;
  readonly events: Events;
  readonly counters: Pick<Counters, 'read'>;
  addresses(): readonly { readonly name: string; readonly address: string; readonly port: number }[];
  /** How many devices are connected to it. */
  size(): number;
  /** Takes no more calls, ends all connections, and resolves when the registry knows. */
  stop(): Promise<void>;
}

/**
 * Listens for calls and brings the devices of the registry under management.
 * @param owner the collector's name in the registry: what a former life of it held there is released
 * @throws CALLHOME_PORT_IN_USE, CALLHOME_LISTEN_FAILED, CALLHOME_STATE_UNUSABLE
 */
export async function startCollector(
  config: NmsConfig,
  registry: Registry,
  log: Log,
  owner: string,
): Promise<Collector> {
  const { admission } = config;
  const events = createEvents();
  const { emit } = events;
  const counters = createCounters();
  const lines = writeLogLines(log);
  const history = keepHistory(registry, owner, emit);
  for (const { follow } of [history, lines, counters]) events.follow(follow);

  const at = new Date().toISOString();
  await registry.release(owner, { at, code: 'CALLHOME_STOPPED', reason: 'the collector stopped' });
  const retention = keepRetention(registry.past, emit);
  const unmanaged = limitUnmanaged(owner);
  const fleet = createLocalFleet(owner, admission.handshakeTimeoutSeconds * 1000, unmanaged, emit);
  const calls = takeCalls({ admission, registry, unmanaged, manage: fleet.manage, emit });
  const unwatch = registry.watch((change) => {
    calls.follow(change);
    fleet.follow(change);
  });

  const listeners: (Listener & { readonly name: string })[] = [];
  const openListener = async (listener: ListenerConfig): Promise<void> => {
    const { name } = listener;
    const called = { name, prove: proverFor(listener) };
    for (const { address, port } of listener.binds) {
      try {
        const options = { address, port, keepaliveSeconds: listener.tcpKeepaliveSeconds };
        listeners.push({ ...(await listen(options, (socket) => calls.take(socket, called))), name });
      } catch (error) {
        // A host without IPv6 still serves its IPv4 address.
        if (address !== '::' || listener.binds.length === 1 || isCallhomeError(error, 'CALLHOME_PORT_IN_USE'))
          throw error;
        log.warn({ listener: name, reason: reasonOf(error) }, 'IPv6 is not served');
      }
    }
  };
  const close = (): void => {
    for (const listener of listeners) listener.close();
  };
  try {
    for (const listener of config.listeners) await openListener(listener);
  } catch (error) {
    unwatch();
    close();
    await retention.stop();
    throw error;
  }

  return {
    fleet,
    events,
    counters,
    addresses: () => listeners.map(({ name, address, port }) => ({ name, address, port })),
    size: fleet.size,
    async stop() {
      close();
      await calls.end(new CallhomeError('CALLHOME_STOPPED', {}));
      await history.settled();
      await retention.stop();
      unwatch();
      lines.flush();
    },
  };
}

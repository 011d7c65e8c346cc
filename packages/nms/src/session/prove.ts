import type { Socket } from 'node:net';
import type { ListenerConfig } from '@callhome/shared/config/nms-config.js';
import type { ClientConnection, HostProof } from '@callhome/shared/connection/connection.js';
import type { Lifecycle } from '@callhome/shared/connection/lifecycle.js';
import type { CallhomeError } from '@callhome/shared/errors.js';
import { proveServer } from '@callhome/shared/ssh/client.js';
import type { KeepaliveConfig } from '@callhome/shared/ssh/keepalive.js';
import { signer } from '@callhome/shared/ssh/key-pair.js';
import { readToIdentification } from '../listen/identification.js';
import type { DeviceSettings } from '../registry/settings.js';

/** A caller that has proved who it is, and has been shown nothing of the collector's. */
export interface ProvedCaller {
  readonly proof: HostProof;
  /** What it has said of itself before. */
  readonly said: string;
  /** @throws the reason with which the connection ends */
  logIn(settings: DeviceSettings): Promise<ClientConnection>;
  /** Lets it know that nobody knows it, and ends the connection. */
  refuse(reason: CallhomeError): void;
}

/** What is learned of a caller before it has proved anything. */
export interface ProveEvents {
  /** It has said something. */
  onFirstWords(): void;
  /** What it wants to prove. */
  onClaimed(claim: HostProof): void;
}

/** Lets callers at a listener prove who they are. Rejects with the reason with which `life` ends. */
export type Prove = (socket: Socket, life: Lifecycle, events: ProveEvents) => Promise<ProvedCaller>;

/** The model's defaults of its keep-alive. */
const usualKeepalive: KeepaliveConfig = { maxWaitSeconds: 30, maxAttempts: 3 };

/** None, where neither the device nor the listener asks for it. */
function keepaliveOf(
  { keepaliveMaxWaitSeconds, keepaliveMaxAttempts }: DeviceSettings,
  listeners: KeepaliveConfig | undefined,
): KeepaliveConfig | undefined {
  if (keepaliveMaxWaitSeconds === undefined && keepaliveMaxAttempts === undefined) return listeners;
  const { maxWaitSeconds, maxAttempts } = listeners ?? usualKeepalive;
  return {
    maxWaitSeconds: keepaliveMaxWaitSeconds ?? maxWaitSeconds,
    maxAttempts: keepaliveMaxAttempts ?? maxAttempts,
  };
}

/** What a caller at a listener has to prove, by what carries its connections. */
export function proverFor(listener: ListenerConfig): Prove {
  switch (listener.transport) {
    case 'ssh': {
      const key = signer(listener.identity);
      return async (socket, life, events) => {
        const said = await readToIdentification(socket, life, events.onFirstWords);
        const server = await proveServer(socket, life, (hostKey) =>
          events.onClaimed({ transport: 'ssh', hostKey }),
        );
        return {
          proof: { transport: 'ssh', hostKey: server.hostKey },
          said,
          logIn: (settings) =>
            server.logIn({
              user: settings.user ?? listener.user,
              key,
              keepalive: keepaliveOf(settings, listener.keepalive),
            }),
          refuse: server.refuse,
        };
      };
    }
  }
}

import type { NmsConfig } from '@callhome/shared/config/nms-config.js';

/** What is going on when a device calls. */
export interface Load {
  /** Connections, established or not. */
  readonly connections: number;
  /** Connections that have not authenticated yet. */
  readonly handshakes: number;
}

/** Whether one more call is taken; decided before any work is done for it. */
export function admit(
  load: Load,
  limits: NmsConfig['admission'],
): 'admitted' | 'too-many-connections' | 'too-many-handshakes' {
  if (load.connections >= limits.maxConnections) return 'too-many-connections';
  if (load.handshakes >= limits.maxHandshakes) return 'too-many-handshakes';
  return 'admitted';
}

import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import type { Lifecycle } from '../connection/lifecycle.js';
import { CallhomeError } from '../errors.js';
import { isExchangingKeys } from './ssh2-internals.js';

/** How long keys are used. */
export interface RekeyLimits {
  /** Both directions together. */
  readonly bytes: number;
  readonly seconds: number;
  /** For the exchange of new ones. */
  readonly timeoutSeconds: number;
}

/** RFC 4253 §9. An exchange waits behind all that is on its way, which takes time on a slow line. */
const usualLimits: RekeyLimits = { bytes: 1024 ** 3, seconds: 3600, timeoutSeconds: 120 };

/** Starts an exchange of keys when those of an open connection are used up, and limits each, the peer's too. */
export function watchKeys(
  connection: Connection,
  socket: Socket,
  life: Lifecycle,
  limits: RekeyLimits = usualLimits,
): void {
  let state: 'used' | 'exchanged' = 'used';
  let start = 0;
  let timer: NodeJS.Timeout | undefined;
  const transferred = (): number => socket.bytesRead + socket.bytesWritten;

  function use(): void {
    state = 'used';
    start = transferred();
    clearTimeout(timer);
    timer = setTimeout(exchange, limits.seconds * 1000);
  }
  function exchange(): void {
    if (life.stage !== 'open') return;
    state = 'exchanged';
    clearTimeout(timer);
    timer = setTimeout(() => {
      const stage = 'SSH exchange of new keys';
      life.cut(new CallhomeError('CALLHOME_HANDSHAKE_TIMEOUT', { seconds: limits.timeoutSeconds, stage }));
    }, limits.timeoutSeconds * 1000);
    // ssh2 passes over it where the peer has started one.
    connection.rekey();
  }
  connection.on('rekey', use);
  // A peer's window bounds what is sent without hearing from it.
  socket.on('data', () => {
    const due = isExchangingKeys(connection) || transferred() - start >= limits.bytes;
    if (state === 'used' && due) exchange();
  });
  socket.once('close', () => clearTimeout(timer));
  use();
}

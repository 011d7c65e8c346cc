import ssh2, { type Client, type Connection } from 'ssh2';
import { type AllowanceLimits, allowanceText, createAllowance } from '../allowance.js';
import type { Lifecycle } from '../connection/lifecycle.js';
import { CallhomeError } from '../errors.js';
import { growWindow, onMessage, refuseGlobalRequest } from './ssh2-internals.js';

/** Messages that nobody has a use for: keep-alives of the peer's own, and a few more. */
const messages: AllowanceLimits = { burst: 5_000, perSecond: 50 };

/** What a device's NETCONF server says on standard error. Bytes. */
const errorText: AllowanceLimits = { burst: 16 * 1024 * 1024, perSecond: 64 * 1024 };

/** That a message of it costs at least. Bytes. */
const leastErrorText = 1024;

// Messages of SSH: RFC 4250 §4.1.2.
const disconnect = 1;
const service = { request: 5, accept: 6 };
const extInfo = 7;
const keyExchange = { first: 20, last: 49 };
const authentication = { first: 50, banner: 53, last: 79 };
const globalRequest = 80;
const channel = {
  open: 90,
  confirmation: 91,
  failure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  success: 99,
  requestFailure: 100,
};

const useful: ReadonlySet<number> = new Set([
  disconnect,
  service.request,
  service.accept,
  extInfo,
  channel.confirmation,
  channel.failure,
  channel.windowAdjust,
  channel.eof,
  channel.close,
  channel.success,
  channel.requestFailure,
]);

/** @param ours which end we are: a client is opened no channels to */
function isUseful(type: number, message: Buffer, ours: 'client' | 'server'): boolean {
  if (useful.has(type) || (type >= keyExchange.first && type <= keyExchange.last)) return true;
  if (type >= authentication.first && type <= authentication.last) return type !== authentication.banner;
  if (type === channel.open) return ours === 'server';
  // the length of its data stands behind the channel's number
  return type === channel.data && message.length > 9;
}

/**
 * Answers or drops the messages that callhome has no use for, so that ssh2 keeps nothing of them, and ends a peer that
 * sends many. To be called as soon as ssh2 has the socket.
 */
export function dropUselessMessages(connection: Client | Connection, life: Lifecycle): void {
  const ours = connection instanceof ssh2.Client ? 'client' : 'server';
  const messagesLeft = createAllowance(messages);
  const errorTextLeft = createAllowance(errorText);
  const end = (what: string, limits: AllowanceLimits): void =>
    life.cut(new CallhomeError('CALLHOME_TRAFFIC_USELESS', { what, limit: allowanceText(limits) }));

  /** RFC 4254 §5.2: type, channel, kind, data. */
  function dropErrorText(message: Buffer): void {
    const bytes = Math.max(0, message.length - 13);
    if (!errorTextLeft.spend(Math.max(bytes, leastErrorText), performance.now()))
      end('bytes of standard error', errorText);
    else if (bytes > 0) growWindow(connection, message.readUInt32BE(1), bytes);
  }

  onMessage(connection, (message) => {
    const type = message[0] ?? 0;
    if (life.stage === 'ended') return true;
    if (type === channel.extendedData && ours === 'client') {
      dropErrorText(message);
      return true;
    }
    if (!isUseful(type, message, ours) && !messagesLeft.spend(1, performance.now()))
      end('messages', messages);
    if (type !== globalRequest) return false;
    // RFC 4254 §4: the name, and whether an answer is wanted
    const at = message.length >= 5 ? 5 + message.readUInt32BE(1) : message.length;
    if (at >= message.length) return false;
    if (message[at] !== 0) refuseGlobalRequest(connection);
    return true;
  });
}

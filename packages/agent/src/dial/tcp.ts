import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, isIP, type Socket, type TcpSocketConnectOpts } from 'node:net';
import type { ProxyConfig } from '@callhome/shared/config/agent-config.js';
import { CallhomeError, reasonOf } from '@callhome/shared/errors.js';
import { discard, firstToAnswer, type Open } from './happy-eyeballs.js';
import { negotiate } from './proxy.js';
import { resolveName } from './resolve.js';
import { proxyName, socksDialogue } from './socks.js';

export interface DialOptions {
  readonly address: string;
  readonly port: number;
  /** For names, all their addresses and the proxy together. */
  readonly maxWaitSeconds: number;
  readonly signal: AbortSignal;
  /** An IP address of this device: only addresses of its family are dialled, also where it is 0.0.0.0 or ::. */
  readonly localAddress?: string | undefined;
  /** 0 is any. */
  readonly localPort?: number | undefined;
  /** TCP keep-alives after so long without data. */
  readonly keepaliveSeconds?: number | undefined;
  readonly proxy?: ProxyConfig | undefined;
}

/**
 * Opens a TCP connection, directly or through a proxy. Names are resolved anew, and all their addresses are tried,
 * IPv6 and IPv4 in turn, until one answers.
 * @throws CALLHOME_DIAL_FAILED, CALLHOME_DIAL_TIMEOUT, CALLHOME_PROXY_FAILED, CALLHOME_STOPPED
 */
export async function dialTcp(options: DialOptions): Promise<Socket> {
  const { address, port, maxWaitSeconds, signal, keepaliveSeconds, proxy } = options;
  const limit = new AbortController();
  const giveUp = (): void => limit.abort();
  const timeout = setTimeout(giveUp, maxWaitSeconds * 1000);
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  try {
    const socket = await (proxy
      ? dialThrough(proxy, options, limit.signal)
      : dialName(address, port, options, limit.signal));
    if (keepaliveSeconds !== undefined) socket.setKeepAlive(true, keepaliveSeconds * 1000);
    return socket;
  } catch (error) {
    if (signal.aborted) throw new CallhomeError('CALLHOME_STOPPED', {});
    const facts = { address, port, proxy: proxy && proxyName(proxy), why: reasonOf(error) };
    if (limit.signal.aborted)
      throw new CallhomeError('CALLHOME_DIAL_TIMEOUT', { ...facts, seconds: maxWaitSeconds });
    throw new CallhomeError(proxy ? 'CALLHOME_PROXY_FAILED' : 'CALLHOME_DIAL_FAILED', facts, error);
  } finally {
    clearTimeout(timeout);
    signal.removeEventListener('abort', giveUp);
  }
}

async function dialThrough(proxy: ProxyConfig, options: DialOptions, signal: AbortSignal): Promise<Socket> {
  const { address, port, maxWaitSeconds } = options;
  const open: Open = async (target, given) => {
    const socket = await dialName(proxy.address, proxy.port, options, given);
    try {
      await negotiate(socket, socksDialogue(proxy, { address: target, port }), given);
      return socket;
    } catch (error) {
      discard(socket);
      throw error;
    }
  };
  if (proxy.kind !== 'socks4') return await open(address, signal);
  const targets = ofFamily(4, await resolveName(address, signal), address, 'SOCKS 4');
  return await firstToAnswer(targets, open, maxWaitSeconds, signal);
}

async function dialName(
  name: string,
  port: number,
  { localAddress, localPort, maxWaitSeconds }: DialOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const addresses = await resolveName(name, signal);
  const fitting =
    localAddress === undefined
      ? addresses
      : ofFamily(isIP(localAddress), addresses, name, `the local address ${localAddress}`);
  const open: Open = (host, given) =>
    connectTcp({ host, port, localAddress, localPort, noDelay: true }, given);
  return await firstToAnswer(fitting, open, maxWaitSeconds, signal);
}

function ofFamily(
  family: number,
  addresses: readonly LookupAddress[],
  name: string,
  who: string,
): LookupAddress[] {
  const fitting = addresses.filter((address) => address.family === family);
  if (fitting.length === 0) throw new Error(`${name} has no IPv${family} address, which ${who} needs`);
  return fitting;
}

async function connectTcp(
  options: TcpSocketConnectOpts & { host: string },
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect(options);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    discard(socket);
    throw new Error(signal.aborted ? `no answer from ${options.host}` : connectFailure(error, options), {
      cause: error,
    });
  }
}

/** What the kernel says of one address, or of the local one. */
function connectFailure(error: unknown, { host, localAddress, localPort }: TcpSocketConnectOpts): string {
  if (!(error instanceof Error && 'code' in error && 'syscall' in error)) return reasonOf(error);
  const local = [localAddress && `address ${localAddress}`, localPort && `port ${localPort}`].filter(Boolean);
  // Whether a port is in use shows at bind(2), or as late as at connect(2).
  const isLocal = error.syscall === 'bind' || (local.length > 0 && /^EADDR/.test(String(error.code)));
  return isLocal ? `cannot use the local ${local.join(' ')}: ${error.code}` : `${error.code} ${host}`;
}

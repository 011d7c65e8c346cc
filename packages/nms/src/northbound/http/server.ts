import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { canonicalAddress } from '@callhome/shared/config/modules/ietf-inet-types.js';
import { CallhomeError } from '@callhome/shared/errors.js';
import { listenFailure } from '@callhome/shared/listen-failure.js';
import type { ApiContext } from './call.js';
import { type ConnectionLimits, trackConnections } from './connections.js';
import { isHostAllowed, isWildcard } from './host-header.js';
import { type OperationLimits, takeOperations } from './operations.js';
import { sendProblem } from './problem.js';
import { routeOf } from './routes.js';

export interface ApiLimits {
  readonly connections: ConnectionLimits;
  readonly operations: OperationLimits;
  /** For a request's headers, from the connection's start or the last answer's end. */
  readonly headersTimeoutMs: number;
  /** For a whole request, its body included. */
  readonly requestTimeoutMs: number;
  /** Without a byte either way. */
  readonly idleTimeoutMs: number;
}

const defaultLimits: ApiLimits = {
  connections: { strangers: 64, callers: 256, tunnels: 1024 },
  operations: { bytes: 64 * 1024 * 1024, waitMs: 20_000 },
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 30_000,
};

export interface ApiOptions extends ApiContext {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly token: string;
  readonly limits?: ApiLimits;
}

/** The API, serving. */
export interface Api {
  /** Where a client on this machine reaches it. */
  readonly url: string;
  /** Takes no more requests, ends the tunnels, and gives the answers under way `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Refuses who may not ask, before anything of the request is read but its headers. */
function authorise(request: IncomingMessage, token: Buffer, address: string): void {
  if (request.httpVersion !== '1.1') {
    throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: 'the API speaks HTTP/1.1' });
  }
  const { host = '', authorization = '' } = request.headers;
  if (!isHostAllowed(host, address)) throw new CallhomeError('CALLHOME_HOST_REFUSED', { host });
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  // Digests have one length, whatever was given, and are compared in constant time.
  if (!timingSafeEqual(digest(given ?? ''), token)) {
    throw new CallhomeError('CALLHOME_TOKEN_REFUSED', { given: given !== undefined });
  }
}

function urlOf(address: string, port: number): string {
  const loopback = isIPv6(address) ? '::1' : '127.0.0.1';
  const host = isWildcard(address) ? loopback : canonicalAddress(address);
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/**
 * Serves the HTTP API.
 * @throws CALLHOME_PORT_IN_USE, CALLHOME_LISTEN_FAILED
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { address, port, log } = options;
  const limits = options.limits ?? defaultLimits;
  const token = digest(options.token);
  const connections = trackConnections(limits.connections);
  const operations = takeOperations(limits.operations);

  const serve = async (request: IncomingMessage, response: ServerResponse, head: Buffer | undefined) => {
    try {
      authorise(request, token, address);
      connections.becomes(request.socket, head === undefined ? 'callers' : 'tunnels');
      // A caller with a large body asks first whether it may send it.
      if (request.headers.expect !== undefined) response.writeContinue();
      const { method = '', url = '' } = request;
      const { handler, query, ...named } = routeOf(method, url, head !== undefined);
      const call = { ...options, operations, request, response, ...named, head: head ?? Buffer.alloc(0) };
      await handler(call, query);
    } catch (error) {
      sendProblem(response, error, log);
    }
  };

  const server = createServer({
    maxHeaderSize: 16_384,
    // A caller that has vanished does not hold a device's channel for ever.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
  });
  server.timeout = limits.idleTimeoutMs;
  server.on('connection', connections.arrived);
  server.on('request', (request, response) => void serve(request, response, undefined));
  server.on('checkContinue', (request, response) => void serve(request, response, undefined));
  server.on('upgrade', (request, _socket, head) => {
    const { socket } = request;
    // Node lets go of a socket that upgrades: its errors and its end are ours now.
    socket.on('error', (error) => log.debug({ reason: error.message }, 'tunnel broke off'));
    socket.on('timeout', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    void serve(request, response, head);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, resolve);
    });
  } catch (error) {
    throw listenFailure(error, address, port, '/callhome-nms:nms/api/port in the configuration');
  }
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  log.info({ address, port: boundPort }, 'API listening');
  return {
    url: urlOf(address, boundPort),
    stop(graceMs) {
      return new Promise((resolve) => {
        const limit = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(limit);
          resolve();
        });
        // Not in order: nobody shall take half a message for all there was.
        for (const tunnel of connections.tunnels()) tunnel.resetAndDestroy();
      });
    },
  };
}

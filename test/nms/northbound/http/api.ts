import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeLogLines } from '@callhome/nms/events/log-lines.js';
import { type ApiOptions, startApi } from '@callhome/nms/northbound/http/server.js';
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';
import type { Registry } from '@callhome/nms/registry/registry.js';
import { createLog } from '@callhome/shared/log.js';
import { type FakeFleet, fakeFleet } from './fake-fleet.js';

export const token = 'a'.repeat(43);

/** A real API on a free loopback port, over a real registry and a fleet that the test plays. */
export interface TestApi {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly registry: Registry;
  readonly fleet: FakeFleet;
  /** The lines that it logged. */
  readonly logged: string[];
  call(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Response>;
  /** A connection for bytes that no client would send. */
  raw(): Socket;
  stop(graceMs?: number): Promise<void>;
}

export async function startTestApi(options: Partial<ApiOptions> = {}): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'callhome-api-'));
  const registry = await openEmbeddedRegistry(folder);
  const fleet = fakeFleet();
  const logged: string[] = [];
  const cleanUp = async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  };
  const log = createLog('test', { write: (line) => void logged.push(line) });
  const api = await startApi({
    address: '127.0.0.1',
    port: 0,
    token,
    registry,
    fleet,
    flapping: { ends: 5, minutes: 10 },
    emit: writeLogLines(log).follow,
    counters: { read: () => ({ accepted: 3, lost: 1 }) },
    log,
    version: '1.2.3',
    startedAt: new Date('2026-01-02T03:04:05Z'),
    defaultSettings: { user: 'callhome' },
    ownKeys: [],
    ...options,
  }).catch(async (error) => {
    await cleanUp();
    throw error;
  });
  const port = Number(new URL(api.url).port);
  return {
    url: api.url,
    port,
    folder,
    registry,
    fleet,
    logged,
    call: (method, path, body, headers) =>
      fetch(api.url + path, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { body }),
      }),
    raw: () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
    async stop(graceMs = 0) {
      await api.stop(graceMs);
      await cleanUp();
    },
  };
}

/** All that a socket says until it closes; a reset counts as a close. */
export async function readToClose(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (piece) => {
    text += piece;
  });
  await new Promise((resolve) =>
    socket
      .on('error', () => undefined)
      .on('close', resolve)
      .on('end', () => socket.end()),
  );
  return text;
}

/** The headers of a request that is let in. */
export function head(requestLine: string, ...headers: string[]): string {
  const lines = [requestLine, 'Host: localhost', `Authorization: Bearer ${token}`, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

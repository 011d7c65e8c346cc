import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { CallhomeError, codeOf, reasonOf } from '@callhome/shared/errors.js';
import { readLines } from '@callhome/shared/lines.js';
import { z } from 'zod';
import { jsonOf, readBody } from './body.js';
import {
  type ApprovalRequest,
  type ConnectionView,
  connectionView,
  type DeviceChangeRequest,
  type DeviceRequest,
  type DevicesQuery,
  type DeviceView,
  deviceView,
  errorTrailer,
  type FailedLine,
  failedLine,
  type HistoryQuery,
  type ImportCounts,
  type InventoryRow,
  importCounts,
  inventoryRow,
  maxInventoryLine,
  maxRpcTimeoutSeconds,
  outcome,
  outcomeTrailer,
  type PendingView,
  type ProfileChange,
  type ProfileRequest,
  type ProfileView,
  paths,
  pendingView,
  problem,
  profileView,
  type StatusView,
  statusView,
  tunnelProtocol,
} from './schemas.js';

/** The largest answer that is held in memory. Bytes. */
const maxAnswer = 512 * 1024 * 1024;
/** For the first word of whoever listens there: a collector says it at once. */
const firstWordTimeoutMs = 5_000;
/** Between two words, when no device is waited for. */
const answerTimeoutMs = 60_000;

function giveUp(sent: ClientRequest, timeoutMs: number): void {
  const seconds = timeoutMs / 1000;
  const why = sent.socket?.connecting === false ? 'what listens there has said nothing' : 'no TCP connection';
  sent.destroy(new Error(`${why} for ${seconds} s`));
}

/** @param name of what the path names: a device's id or another */
function pathOf(path: string, name: string): string {
  return path.replace(/\{\w+\}/, encodeURIComponent(name));
}

/** A parameter with several values is given several times; one that is undefined is not. */
function queryOf(query: DevicesQuery | HistoryQuery): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) parameters.append(name, String(one));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

/** Where a collector's API is, and what it takes to be let in. */
export interface ApiAccess {
  readonly url: URL;
  readonly token: string;
  /** For messages. */
  readonly tokenFile: string;
}

/** A device's answer on its way. */
export interface RpcAnswer {
  /** The `<rpc-reply>`, or what there is of it; fails when the collector is lost. */
  readonly body: Readable;
  /**
   * Whether the device answered with an error, once `body` has ended.
   * @throws CALLHOME_API_REFUSED when the reply is not whole, CALLHOME_API_FAILED
   */
  hasFailed(): boolean;
}

/** What became of the lines of an inventory. */
export interface Imported {
  /** Their numbers are those of the lines that were sent. */
  readonly failures: readonly FailedLine[];
  readonly counts: ImportCounts;
}

/**
 * The collector's API, as a client calls it.
 * @throws each: CALLHOME_API_UNREACHABLE, CALLHOME_API_UNAUTHORIZED, CALLHOME_API_REFUSED with the code that the
 * collector gave, CALLHOME_API_FAILED for an answer that is not the API's
 */
export interface ApiClient {
  status(): Promise<StatusView>;
  devices(query?: DevicesQuery): Promise<readonly DeviceView[]>;
  device(id: string): Promise<DeviceView>;
  /** The connections of a device: one that lasts, then the last ended first. */
  history(id: string, query: HistoryQuery): Promise<readonly ConnectionView[]>;
  addDevice(id: string, device: DeviceRequest): Promise<DeviceView>;
  changeDevice(id: string, change: DeviceChangeRequest, reconnect: boolean): Promise<DeviceView>;
  renameDevice(id: string, to: string): Promise<DeviceView>;
  removeDevice(id: string): Promise<void>;
  /** @param lines JSON, one or more */
  importDevices(lines: string): Promise<Imported>;
  /** All devices, while they arrive. */
  exportDevices(): AsyncIterable<InventoryRow>;
  profiles(): Promise<readonly ProfileView[]>;
  profile(name: string): Promise<ProfileView>;
  addProfile(name: string, profile: ProfileRequest): Promise<ProfileView>;
  changeProfile(name: string, change: ProfileChange, reconnect: boolean): Promise<ProfileView>;
  removeProfile(name: string): Promise<void>;
  /** The keys that no device is known by, the last seen first. */
  pending(): Promise<readonly PendingView[]>;
  /** @param fingerprint here and below: of a key that is pending or rejected, or its beginning */
  pendingKey(fingerprint: string): Promise<PendingView>;
  approve(fingerprint: string, approval: ApprovalRequest): Promise<DeviceView>;
  reject(fingerprint: string): Promise<PendingView>;
  forget(fingerprint: string): Promise<void>;
  /**
   * `timeoutSeconds`: from the request to the first byte of the reply and between two pieces of it; the device's own where
   * it is left out.
   */
  rpc(id: string, operation: string, timeoutSeconds?: number): Promise<RpcAnswer>;
  /** The stream of a NETCONF session of one's own, nothing sent yet. */
  netconf(id: string): Promise<Socket>;
}

/** Calls the API of one collector, over a connection for each request. */
export function createApiClient(access: ApiAccess): ApiClient {
  const unreachable = (error: unknown) => {
    // What Node's parser of HTTP says is about bytes that nobody will look at.
    const isNoHttp = codeOf(error)?.startsWith('HPE_');
    const why = isNoHttp ? 'what listens there does not speak HTTP' : reasonOf(error);
    return new CallhomeError('CALLHOME_API_UNREACHABLE', { url: access.url.origin, why }, error);
  };

  const prepare = (path: string, options: RequestOptions, timeoutMs: number): ClientRequest => {
    const sent = request(new URL(path, access.url), {
      ...options,
      agent: false,
      timeout: timeoutMs,
      headers: { ...options.headers, Authorization: `Bearer ${access.token}` },
    });
    return sent.once('timeout', () => giveUp(sent, timeoutMs));
  };

  const refusal = async (answer: IncomingMessage): Promise<CallhomeError> => {
    const status = answer.statusCode ?? 0;
    if (status === 401)
      return new CallhomeError('CALLHOME_API_UNAUTHORIZED', { tokenFile: access.tokenFile });
    const text = await readBody(answer, maxAnswer, 'the answer');
    const told = problem.safeParse(jsonOf(text));
    if (told.success) return new CallhomeError('CALLHOME_API_REFUSED', told.data);
    return new CallhomeError('CALLHOME_API_FAILED', { status, why: 'that is no answer of the API' });
  };

  /** Resolves with an answer whose status is the one expected. */
  const ask = (
    path: string,
    options: RequestOptions,
    expected: number,
    body = '',
    timeoutMs = answerTimeoutMs,
  ) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const sent = prepare(path, options, timeoutMs);
      const limit = setTimeout(giveUp, firstWordTimeoutMs, sent, firstWordTimeoutMs);
      for (const word of ['continue', 'response', 'close']) sent.once(word, () => clearTimeout(limit));
      sent.once('error', (error) => reject(unreachable(error)));
      sent.once('response', (answer) => {
        if (answer.statusCode === expected) resolve(answer);
        else refusal(answer).then(reject, (error) => reject(unreachable(error)));
      });
      if (body === '') {
        sent.end();
        return;
      }
      // A collector says at once whether it wants the body. One that refuses hangs up: its answer would be lost among
      // what is still being written.
      sent.setHeader('Expect', '100-continue');
      sent.setHeader('Content-Length', Buffer.byteLength(body));
      sent.once('continue', () => sent.end(body));
      sent.flushHeaders();
    });

  const askJson = async <T extends z.ZodType>(
    schema: T,
    path: string,
    options: RequestOptions = {},
    expected = 200,
    body = '',
  ): Promise<z.output<T>> => {
    const answer = await ask(path, options, expected, body);
    const text = await readBody(answer, maxAnswer, 'the answer').catch((error) =>
      Promise.reject(unreachable(error)),
    );
    const told = schema.safeParse(jsonOf(text));
    if (told.success) return told.data;
    throw new CallhomeError('CALLHOME_API_FAILED', { status: expected, why: 'that is no answer of the API' });
  };

  const patch = <T extends z.ZodType>(schema: T, path: string, change: unknown, reconnect: boolean) =>
    askJson(
      schema,
      reconnect ? `${path}?reconnect=true` : path,
      { method: 'PATCH' },
      200,
      JSON.stringify(change),
    );

  const notTheApis = () =>
    new CallhomeError('CALLHOME_API_FAILED', { status: 200, why: 'that is no answer of the API' });

  const remove = async (path: string): Promise<void> =>
    void (await ask(path, { method: 'DELETE' }, 204)).resume();

  return {
    status: () => askJson(statusView, paths.status),
    devices: (query = {}) => askJson(z.array(deviceView), paths.devices + queryOf(query)),
    device: (id) => askJson(deviceView, pathOf(paths.device, id)),
    history: (id, query) => askJson(z.array(connectionView), pathOf(paths.history, id) + queryOf(query)),
    addDevice: (id, device) =>
      askJson(deviceView, pathOf(paths.device, id), { method: 'PUT' }, 201, JSON.stringify(device)),
    changeDevice: (id, change, reconnect) => patch(deviceView, pathOf(paths.device, id), change, reconnect),
    renameDevice: (id, to) =>
      askJson(deviceView, pathOf(paths.rename, id), { method: 'POST' }, 200, JSON.stringify({ to })),
    removeDevice: (id) => remove(pathOf(paths.device, id)),
    async importDevices(lines) {
      const answer = await ask(paths.import, { method: 'POST' }, 200, lines);
      const text = await readBody(answer, maxAnswer, 'the answer').catch((error) =>
        Promise.reject(unreachable(error)),
      );
      const told = text.trimEnd().split('\n').map(jsonOf);
      const counts = importCounts.safeParse(told.pop());
      const failures = z.array(failedLine).safeParse(told);
      if (!counts.success || !failures.success) throw notTheApis();
      return { failures: failures.data, counts: counts.data };
    },
    async *exportDevices() {
      const answer = await ask(paths.export, {}, 200);
      const lines = readLines(answer, maxInventoryLine);
      for (;;) {
        const next = await lines.next().catch((error) => Promise.reject(unreachable(error)));
        if (next.done) return;
        const row = inventoryRow.safeParse('text' in next.value ? jsonOf(next.value.text) : undefined);
        if (!row.success) throw notTheApis();
        yield row.data;
      }
    },
    profiles: () => askJson(z.array(profileView), paths.profiles),
    profile: (name) => askJson(profileView, pathOf(paths.profile, name)),
    addProfile: (name, profile) =>
      askJson(profileView, pathOf(paths.profile, name), { method: 'PUT' }, 201, JSON.stringify(profile)),
    changeProfile: (name, change, reconnect) =>
      patch(profileView, pathOf(paths.profile, name), change, reconnect),
    removeProfile: (name) => remove(pathOf(paths.profile, name)),
    pending: () => askJson(z.array(pendingView), paths.pending),
    pendingKey: (fingerprint) => askJson(pendingView, pathOf(paths.pendingKey, fingerprint)),
    approve: (fingerprint, approval) => {
      const path = pathOf(paths.approve, fingerprint);
      return askJson(deviceView, path, { method: 'POST' }, 200, JSON.stringify(approval));
    },
    reject: (fingerprint) => askJson(pendingView, pathOf(paths.reject, fingerprint), { method: 'POST' }),
    forget: (fingerprint) => remove(pathOf(paths.pendingKey, fingerprint)),
    async rpc(id, operation, timeoutSeconds) {
      const query = timeoutSeconds === undefined ? '' : `?timeout=${timeoutSeconds}`;
      const path = pathOf(paths.rpc, id) + query;
      const longest = timeoutSeconds ?? maxRpcTimeoutSeconds;
      // The collector keeps the time; only if it does not answer at all is it kept here.
      // TE: what ends a reply early is to be told in a trailer, not by a cut.
      const headers = { Connection: 'TE, close', TE: 'trailers' };
      const body = await ask(path, { method: 'POST', headers }, 200, operation, (longest + 60) * 1000);
      return {
        body,
        hasFailed() {
          const trailer = (name: string) => body.trailers[name.toLowerCase()];
          const cut = problem.safeParse(jsonOf(trailer(errorTrailer) ?? ''));
          if (cut.success) throw new CallhomeError('CALLHOME_API_REFUSED', cut.data);
          const told = outcome.exclude(['failed']).safeParse(trailer(outcomeTrailer));
          if (told.success) return told.data === 'rpc-error';
          throw new CallhomeError('CALLHOME_API_FAILED', { status: 200, why: 'its answer has no outcome' });
        },
      };
    },
    async netconf(id) {
      // The tunnel's answer waits for the device; this one does not.
      await askJson(statusView, paths.status);
      return new Promise((resolve, reject) => {
        const headers = { Connection: 'Upgrade', Upgrade: tunnelProtocol };
        const sent = prepare(pathOf(paths.netconf, id), { headers }, answerTimeoutMs);
        sent.once('error', (error) => reject(unreachable(error)));
        sent.once('response', (answer) => {
          refusal(answer).then(reject, (error) => reject(unreachable(error)));
        });
        sent.once('upgrade', (_answer, socket, head) => {
          socket.setTimeout(0);
          if (head.length > 0) socket.unshift(head);
          resolve(socket);
        });
        sent.end();
      });
    },
  };
}

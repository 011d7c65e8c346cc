import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startProgram } from '../program.js';
import { collectorProgram, deviceOf, makeCollectorFiles } from './collector-files.js';
import { largeOperation, type Nms, type NmsKind, type Site, sendFor, smallOperation } from './nms.js';
import { startObedient } from './obedient.js';

/** For the collector to start, and to establish what the fleet has seen already. Seconds. */
const limit = 60;

const started = z.object({
  msg: z.literal('collector started'),
  listeners: z.tuple([z.object({ port: z.number() })]),
  api: z.url(),
});
const status = z.object({ counters: z.object({ established: z.number().default(0) }) });

/** The API over connections that are kept. */
function openHttp(api: string, token: string) {
  const agent = new Agent({ keepAlive: true });
  return (method: string, route: string, body: string) =>
    new Promise<Buffer[]>((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      const sent = request(
        new URL(route, api),
        { method, agent, headers, timeout: limit * 1000 },
        (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.once('error', reject);
          answer.once('end', () => {
            if (answer.statusCode === 200) resolve(pieces);
            else reject(new Error(`${method} ${route}: ${answer.statusCode} ${Buffer.concat(pieces)}`));
          });
        },
      );
      sent.once('timeout', () => sent.destroy(new Error(`${method} ${route}: no answer`)));
      sent.once('error', reject).end(body);
    });
}

const sizeOf = (pieces: readonly Buffer[]) => pieces.reduce((bytes, piece) => bytes + piece.length, 0);

async function startServe(site: Site): Promise<Nms & { readonly state: string }> {
  const { config, state } = await makeCollectorFiles(site);
  const args = [collectorProgram, 'serve', '--config', config, '--state-dir', state];
  const program = startProgram(process.execPath, args);
  const { listeners, api } = await program.told(started, limit);
  const http = openHttp(api, (await readFile(path.join(state, 'token'), 'utf8')).trim());
  const rpc = (index: number, operation: string) =>
    http('POST', `/v1/devices/${deviceOf(index)}/rpc`, operation);
  return {
    state,
    pid: program.pid,
    port: listeners[0].port,
    async sessions(count) {
      const end = performance.now() + limit * 1000;
      for (;;) {
        const answer = Buffer.concat(await http('GET', '/v1/status', '')).toString();
        const { established } = status.parse(JSON.parse(answer)).counters;
        if (established >= count) return;
        if (performance.now() > end) throw new Error(`the collector has ${established} of ${count} sessions`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    rpcs: (sessions, seconds) =>
      sendFor(
        seconds,
        Array.from({ length: sessions }, (_, index) => () => rpc(index, smallOperation)),
      ),
    async reply() {
      const start = performance.now();
      const bytes = sizeOf(await rpc(0, largeOperation));
      return { bytes, seconds: (performance.now() - start) / 1000 };
    },
    stop: program.stop,
  };
}

/** Runs `callhome-nms rpc` for the large reply, from its start to its end. */
function readByCommand(state: string): Promise<{ bytes: number; seconds: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, [collectorProgram, 'rpc', deviceOf(0), '--state-dir', state], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: limit * 1000,
  });
  let bytes = 0;
  child.stdout.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  child.stdin.end(largeOperation);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve({ bytes, seconds: (performance.now() - start) / 1000 });
      else reject(new Error(`callhome-nms rpc ended with ${code}`));
    });
  });
}

/** `callhome-nms serve`; rpcs go through its HTTP API. */
export const serve: NmsKind = { name: 'callhome, HTTP API', start: startServe };

/** The same; the large reply goes through the command line. */
export const commandLine: NmsKind = {
  name: 'callhome, command line',
  async start(site) {
    const nms = await startServe(site);
    return { ...nms, reply: () => readByCommand(nms.state) };
  },
};

/** Our collector without its API. */
export const inProcess: NmsKind = {
  name: 'callhome, in process',
  async start(site) {
    const { config, state } = await makeCollectorFiles(site);
    const file = fileURLToPath(new URL('collector-process.js', import.meta.url));
    return startObedient(process.execPath, [file, config, state]);
  },
};

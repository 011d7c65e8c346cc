import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import type { Fleet } from './fleet/fleet.js';
import { commandLine, inProcess, serve } from './nms/callhome.js';
import type { Nms, NmsKind } from './nms/nms.js';
import type { Peer } from './peers/peers.js';
import { cpuTime, residentMemory } from './process-usage.js';

/** Devices that call before what is measured: a collector runs for months, and compiles its code in seconds. */
export const warmUp = 300;

/** Sessions for many rpcs at once. */
const manySessions = 50;
/** Of rpcs that are measured, and of those before. Seconds. */
const rpcTime = 3;
const rpcWarmUp = 1;
/** From the last call to the look at memory, and before keep-alives are measured. Seconds. */
const settlingTime = 5;
/** Of keep-alives, one each second from each session. Seconds. */
const keepaliveTime = 10;
const shortKeepalive = 1;
/** What `init` writes. Seconds. */
const defaultKeepalive = 30;

/** By what is shown above the column. */
export type Figures = Readonly<Record<string, number>>;

/** Something that is measured of one NMS after the other. */
export interface Measurement {
  readonly name: string;
  readonly title: string;
  /** The first is what the others are compared with. */
  readonly subjects: (peers: readonly Peer[]) => readonly NmsKind[];
  /** Seconds between keep-alives. */
  readonly keepalive: number;
  /** @param devices that call after the warm-up, where their number counts */
  measure(nms: Nms, fleet: Fleet, devices: number): Promise<Figures>;
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Resolves with what it takes of the NMS's CPU, in milliseconds, and what comes of it. */
async function withCpu<T>(nms: Nms, work: () => Promise<T>): Promise<{ cpu: number; result: T }> {
  const before = cpuTime(nms.pid);
  const result = await work();
  return { cpu: cpuTime(nms.pid) - before, result };
}

async function bringHome(nms: Nms, fleet: Fleet, from: number, to: number): Promise<number> {
  const seconds = await fleet.call(nms.port, from, to);
  await nms.sessions(to);
  return seconds;
}

const calls: Measurement = {
  name: 'calls',
  title: 'Call homes and idle sessions',
  subjects: (peers) => [{ ...serve, name: 'callhome' }, ...peers],
  keepalive: defaultKeepalive,
  async measure(nms, fleet, devices) {
    const empty = residentMemory(nms.pid);
    await bringHome(nms, fleet, 0, warmUp);
    const { cpu, result: seconds } = await withCpu(nms, () =>
      bringHome(nms, fleet, warmUp, warmUp + devices),
    );
    await pause(settlingTime);
    return {
      'CPU per call home, ms': cpu / devices,
      'call homes per second': devices / seconds,
      'memory per idle session, KB': (residentMemory(nms.pid) - empty) / (warmUp + devices),
    };
  },
};

const keepalive: Measurement = {
  name: 'keepalive',
  title: 'Keep-alives',
  subjects: (peers) => [{ ...serve, name: 'callhome' }, ...peers.filter((peer) => peer.probes)],
  keepalive: shortKeepalive,
  async measure(nms, fleet, devices) {
    await bringHome(nms, fleet, 0, warmUp + devices);
    await pause(settlingTime);
    const { cpu } = await withCpu(nms, () => pause(keepaliveTime));
    const perProbe = cpu / ((warmUp + devices) * (keepaliveTime / shortKeepalive));
    return {
      'CPU per keep-alive, ms': perProbe,
      [`CPU for 1,000 devices at ${defaultKeepalive} s, % of a core`]:
        perProbe * (1000 / defaultKeepalive) * 0.1,
    };
  },
};

const rpcs: Measurement = {
  name: 'rpc',
  title: 'RPC round trips',
  subjects: (peers) => [inProcess, serve, ...peers],
  keepalive: defaultKeepalive,
  async measure(nms, fleet) {
    await bringHome(nms, fleet, 0, manySessions);
    await nms.rpcs(1, rpcWarmUp);
    const one = await nms.rpcs(1, rpcTime);
    await nms.rpcs(manySessions, rpcWarmUp);
    const { cpu, result: many } = await withCpu(nms, () => nms.rpcs(manySessions, rpcTime));
    return {
      'per second, one session': one.rpcs / one.seconds,
      [`per second, ${manySessions} sessions`]: many.rpcs / many.seconds,
      [`CPU per rpc, ${manySessions} sessions, ms`]: cpu / many.rpcs,
    };
  },
};

const reply: Measurement = {
  name: 'reply',
  title: 'A large reply',
  subjects: (peers) => [inProcess, serve, commandLine, ...peers],
  keepalive: defaultKeepalive,
  async measure(nms, fleet) {
    await bringHome(nms, fleet, 0, 1);
    await nms.reply();
    const { cpu, result } = await withCpu(nms, () => nms.reply());
    const megabytes = result.bytes / 1e6;
    return { 'MB per second': megabytes / result.seconds, 'CPU per MB, ms': cpu / megabytes };
  },
};

export const measurements: readonly Measurement[] = [calls, keepalive, rpcs, reply];

/** Where NMSs are measured. */
export interface Place {
  readonly fleet: Fleet;
  /** Devices that call after the warm-up, where their number counts. */
  readonly devices: number;
  readonly folder: string;
}

/** Measures one fresh NMS. */
export async function measureOnce(measurement: Measurement, kind: NmsKind, place: Place): Promise<Figures> {
  const { fleet, devices } = place;
  const folder = await mkdtemp(path.join(place.folder, 'nms-'));
  const nms = await kind.start({ folder, hostKeys: fleet.hostKeys, keepalive: measurement.keepalive });
  try {
    return await measurement.measure(nms, fleet, devices);
  } finally {
    await nms.stop();
    await fleet.hangUp();
  }
}

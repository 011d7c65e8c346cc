// Measures the collector, and other NMSs in the same run, against a fleet of light devices.
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startFleet } from './fleet/fleet.js';
import { type Measurement, measurements, measureOnce, type Place, warmUp } from './measurements.js';
import { missingPackages, type Peer, peers } from './peers/peers.js';
import { killPrograms } from './program.js';
import { machine, type Run, tables } from './report.js';

const help = `Usage: npm run bench -- [options]

Options:
  --devices N    devices that call home, after ${warmUp} that warm up (default 1000; 50 to 10000)
  --mix LIST     what is measured: ${measurements.map(({ name }) => name).join(',')} (default: all)
  --peers LIST   compared with: ${peers.map(({ option }) => option).join(',')}, or none (default: those installed)
  --rounds N     how often; the medians are shown (default 3; 1 to 20)
  --reply MB     size of the large reply (default 32; 1 to 1000)
  --json FILE    writes all figures of all rounds
  --help         this

Linux only. All on loopback; about a minute for each round.
`;

const optionNames = {
  devices: { type: 'string', default: '1000' },
  mix: { type: 'string', default: measurements.map(({ name }) => name).join(',') },
  peers: { type: 'string' },
  rounds: { type: 'string', default: '3' },
  reply: { type: 'string', default: '32' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** A list of names, each one of these. */
const namesOf = <T>(all: readonly T[], name: (item: T) => string) =>
  z.string().transform((text, context) =>
    text.split(',').flatMap((wanted) => {
      const found = all.find((item) => name(item) === wanted);
      if (!found) context.addIssue(`there is no ${wanted}: there are ${all.map(name).join(', ')}`);
      return found ? [found] : [];
    }),
  );

const optionValues = z.object({
  devices: z.coerce.number().int().min(50).max(10_000),
  mix: namesOf(measurements, ({ name }) => name),
  peers: z.union([z.literal('none').transform(() => []), namesOf(peers, ({ option }) => option)]).optional(),
  rounds: z.coerce.number().int().min(1).max(20),
  reply: z.coerce.number().min(1).max(1000),
  json: z.string().optional(),
  help: z.boolean(),
});

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Those of the peers that are there; the others are named. */
function installed(wanted: readonly Peer[]): Peer[] {
  return wanted.filter((peer) => {
    const missing = missingPackages(peer);
    if (missing.length > 0) say(`${peer.name} is skipped: install ${missing.join(', ')}`);
    return missing.length === 0;
  });
}

/** Measures all NMSs in each round, one after the other, so that what the machine does besides meets them all. */
async function measureAll(
  mix: readonly Measurement[],
  opponents: readonly Peer[],
  rounds: number,
  place: Place,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const measurement of mix) {
      for (const kind of measurement.subjects(opponents)) {
        say(`round ${round} of ${rounds}: ${measurement.name}: ${kind.name}`);
        const figures = await measureOnce(measurement, kind, place);
        runs.push({ round, measurement: measurement.name, nms: kind.name, figures });
      }
    }
  }
  return runs;
}

function readOptions(): z.infer<typeof optionValues> {
  const { values } = parseArgs({ options: optionNames });
  const { data, error } = optionValues.safeParse(values);
  if (data) return data;
  const [issue] = error.issues;
  throw new Error(`--${issue?.path.join('.')}: ${issue?.message}`);
}

/** @param folder for all files of the programs */
async function bench(folder: string): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  if (process.platform !== 'linux') throw new Error('this measures with /proc: it needs Linux');
  const opponents = installed(options.peers ?? peers);
  const fleet = await startFleet(warmUp + options.devices, options.reply * 1e6);
  try {
    const place = { fleet, devices: options.devices, folder };
    const runs = await measureAll(options.mix, opponents, options.rounds, place);
    process.stdout.write(tables(options.mix, runs));
    if (options.json !== undefined) {
      const facts = { machine: machine(), devices: options.devices, replyMb: options.reply, runs };
      await writeFile(options.json, `${JSON.stringify(facts, null, 2)}\n`);
    }
  } finally {
    await fleet.stop();
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'callhome-bench-'));
process.once('exit', () => {
  killPrograms();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
try {
  await bench(folder);
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

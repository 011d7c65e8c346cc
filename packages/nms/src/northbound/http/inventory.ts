import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CallhomeError } from '@callhome/shared/errors.js';
import { type Line, readLines } from '@callhome/shared/lines.js';
import { defaultProfile } from '../../registry/profiles.js';
import type { DeviceRecord, DeviceRow, RowOutcome } from '../../registry/registry.js';
import { jsonOf } from './body.js';
import { type Call, valid } from './call.js';
import { hostKeysOf } from './devices.js';
import { problemOf } from './problem.js';
import {
  type FailedLine,
  type ImportCounts,
  type InventoryRow,
  inventoryRow,
  maxInventoryLine,
} from './schemas.js';

/** Rows that are made durable at once: nobody else has a turn meanwhile. */
const batchSize = 100;
/** Lines that are read without giving others their turn: each may have keys to check. */
const turnSize = 10;
/** Lines of one request: their ids and the reasons of those that fail are kept until its end. */
const maxLines = 100_000;

/** What the lines of one request have done so far. */
interface Progress {
  readonly counts: { -readonly [kind in keyof ImportCounts]: number };
  readonly failures: FailedLine[];
  /** The line of each id. */
  readonly seen: Map<string, number>;
}

/** @throws CALLHOME_REQUEST_INVALID, CALLHOME_KEY_INVALID */
function rowOf(line: Line, { seen }: Progress, call: Call): DeviceRow {
  if ('problem' in line) throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: line.problem });
  const value = jsonOf(line.text);
  if (value === undefined)
    throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: 'the line is not JSON' });
  const { hostKeys = [], ...said } = valid(inventoryRow, value, 'row');
  const earlier = seen.get(said.id);
  if (earlier !== undefined)
    throw new CallhomeError('CALLHOME_REQUEST_INVALID', { why: `line ${earlier} has the same id` });
  seen.set(said.id, line.number);
  return { ...said, hostKeys: hostKeysOf(hostKeys, 'hostKeys', call) };
}

function note({ counts, failures }: Progress, line: number, outcome: RowOutcome): void {
  counts[outcome.kind] += 1;
  if (outcome.kind === 'failed') failures.push({ line, ...problemOf(outcome.error) });
}

/** POST /v1/import: JSON lines, each of which becomes a device or changes one, while they arrive. */
export async function importDevices(call: Call): Promise<void> {
  const { registry, request, response, emit } = call;
  const progress: Progress = {
    counts: { added: 0, changed: 0, unchanged: 0, failed: 0 },
    failures: [],
    seen: new Map(),
  };
  let batch: { readonly line: number; readonly row: DeviceRow }[] = [];

  async function bring(): Promise<void> {
    const read = batch;
    batch = [];
    const outcomes = await registry.bring(read.map(({ row }) => row));
    for (const [index, { line }] of read.entries()) {
      const outcome = outcomes[index];
      if (outcome) note(progress, line, outcome);
    }
  }

  try {
    // not destroyed: the answer to a request that is refused goes over the same socket
    for await (const line of readLines(request.iterator({ destroyOnReturn: false }), maxInventoryLine)) {
      if (line.number > maxLines)
        throw new CallhomeError('CALLHOME_REQUEST_INVALID', {
          why: `the body has more than ${maxLines} lines: those before are imported, send the others by themselves`,
        });
      if (line.number % turnSize === 0) await nextTurn();
      if ('text' in line && line.text.trim() === '') continue;
      try {
        batch.push({ line: line.number, row: rowOf(line, progress, call) });
      } catch (error) {
        if (!(error instanceof CallhomeError)) throw error;
        note(progress, line.number, { kind: 'failed', error });
      }
      if (batch.length >= batchSize) await bring();
    }
  } finally {
    // What was read whole is imported, also where the rest never comes.
    if (batch.length > 0) await bring();
    emit({ kind: 'devices-imported', ...progress.counts });
  }
  const failures = progress.failures.toSorted((a, b) => a.line - b.line);
  response.writeHead(200, { 'Content-Type': 'application/jsonl', 'Cache-Control': 'no-store' });
  response.end([...failures, progress.counts].map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** A device as a line that import takes. */
function inventoryRowOf(device: DeviceRecord): InventoryRow {
  const { id, hostKeys, profile = defaultProfile, labels, settings } = device;
  // An approval may have said an empty one.
  const description = device.description || null;
  const keys = hostKeys.map(({ type, blob }) => `${type} ${blob}`);
  return { id, hostKeys: keys, profile, description, labels, settings };
}

/** GET /v1/export: all devices, as JSON lines that import takes. */
export async function exportDevices({ registry, response }: Call): Promise<void> {
  const rows = registry.list({ capabilities: false })[Symbol.asyncIterator]();
  // The first one before the answer begins: a registry that fails is a failure, not half an answer.
  let next = await rows.next();
  response.writeHead(200, { 'Content-Type': 'application/jsonl', 'Cache-Control': 'no-store' });
  const lines = async function* () {
    for (; !next.done; next = await rows.next()) yield `${JSON.stringify(inventoryRowOf(next.value))}\n`;
  };
  await pipeline(Readable.from(lines()), response);
}

import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonRows } from '@callhome/nms/cli/inventory.js';
import { readCsvRows, writeCsv } from '@callhome/nms/cli/inventory-csv.js';
import { type InventoryRow, inventoryRow } from '@callhome/nms/northbound/http/schemas.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import { publicKeyLine } from '@callhome/shared/ssh/public-key.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi, token } from '../northbound/http/api.js';
import { run } from './run.js';

const newKey = () => publicKeyLine(generateKeyPair().publicKey, '').trim();
const [first, second] = [newKey(), newKey()];

/** Text in pieces of so many bytes. */
async function* inPieces(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('with a collector', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startTestApi();
    await writeFile(join(api.folder, 'url'), `${api.url}\n`);
    await writeFile(join(api.folder, 'token'), `${token}\n`);
  });
  afterEach(() => api.stop());

  async function nms(args: readonly string[], input: string | Buffer = '') {
    const { status, stdout, stderr } = await run([...args, '--state-dir', api.folder], input);
    return { status, stdout: String(stdout), stderr };
  }

  test('CSV is imported, row by row, and each that failed is told with its line', async () => {
    await api.registry.profiles.add('core', {});
    const csv = [
      '\ufeffid,hostKeys,profile,description,user,maxSessions,label:site,label:note',
      `a,"${first}`,
      `${second}",core,"rack 7, ""left""",netconf,3,berlin,""`,
      '',
      'b,,,,,many,,',
      'c,,nope,,,,,',
      `d,${first},,,,,,`,
      'e,,,',
      'a,,,,,,,',
      'f,,,,,,bonn,',
    ];
    const file = join(api.folder, 'fleet.csv');
    await writeFile(file, csv.join('\r\n'));
    const done = await nms(['import', file]);
    expect(done).toMatchObject({ status: 1, stdout: '2 added, 0 changed, 0 unchanged, 5 failed\n' });
    expect(done.stderr.split('\n')).toEqual([
      expect.stringMatching(/^line 5: .*settings\.maxSessions: must be a whole number from 1 to 1000$/),
      expect.stringMatching(/^line 6: no profile "nope"/),
      expect.stringMatching(/^line 7: the host key SHA256:\S+ belongs to the device "a" already$/),
      'line 8: the row has 4 cells, and the header 8',
      'line 9: line 2 has the same id',
      '',
    ]);
    expect(await api.registry.get('a')).toMatchObject({
      hostKeys: [{ origin: 'added' }, { origin: 'added' }],
      profile: 'core',
      description: 'rack 7, "left"',
      settings: { user: 'netconf', maxSessions: 3 },
      labels: { site: 'berlin', note: '' },
    });
    expect((await api.registry.get('f'))?.labels).toEqual({ site: 'bonn' });
  });

  test('what a row leaves out stays, an empty cell takes away, and without keys those that are there stay', async () => {
    await nms(['import', '--format', 'csv'], `id,hostKeys,user,label:a,label:b\nx,${first},root,1,2\n`);
    const csv = 'id,hostKeys,label:b,description\nx,,,new\n';
    const changed = { status: 0, stdout: '0 added, 1 changed, 0 unchanged, 0 failed\n', stderr: '' };
    expect(await nms(['import', '-', '--format', 'csv'], csv)).toEqual(changed);
    const device = await api.registry.get('x');
    expect(device).toMatchObject({ settings: { user: 'root' }, description: 'new' });
    expect([device?.labels, device?.hostKeys.length]).toEqual([{ a: '1' }, 1]);
  });

  test.each(['csv', 'jsonl'] as const)(
    'what is exported as %s makes the same fleet elsewhere',
    async (format) => {
      await api.registry.profiles.add('core', {});
      const rows: InventoryRow[] = Array.from({ length: 700 }, (_, n) => ({
        id: `d${n}`,
        description: `"${n}", \u2028ü; `,
        labels: { [`l${n % 50}`]: n % 3 === 0 ? '' : ` ${n}` },
        settings: n % 2 === 0 ? { user: '1', maxSessions: 2 } : {},
        profile: n % 2 === 0 ? 'core' : 'default',
      }));
      rows.push({ id: 'keys', hostKeys: [first, second] });
      const input = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      const counts = (kind: string) =>
        ['added', 'changed', 'unchanged', 'failed']
          .map((name) => `${name === kind ? 701 : 0} ${name}`)
          .join(', ');
      const said = (kind: string) => ({ status: 0, stdout: `${counts(kind)}\n`, stderr: '' });
      expect(await nms(['import', '--format', 'jsonl'], input)).toEqual(said('added'));
      const file = join(api.folder, `fleet.${format}`);
      expect(await nms(['export', file])).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await nms(['export', file])).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('exists already'),
      });
      const before = (await nms(['export', '--format', 'jsonl'])).stdout;
      expect(await nms(['import', file])).toEqual(said('unchanged'));
      for (const { id } of rows) await api.registry.remove(id);
      expect(await nms(['import', file])).toEqual(said('added'));
      expect((await nms(['export', '--format', 'jsonl'])).stdout).toBe(before);
      expect((await nms(['export', '-', '--format', format])).stdout).toBe(await readFile(file, 'utf8'));
    },
  );

  test.each([
    ['an empty file', 'csv', '', 'standard input: it is empty: there is no header'],
    ['no lines', 'jsonl', '\n\n', 'standard input: it is empty'],
    ['no header', 'csv', 'a,b\n', 'standard input line 1: the header has no column id'],
    [
      'unknown columns',
      'csv',
      'id,colour,site\n',
      'line 1: the header has columns that are unknown: colour, site;',
    ],
    ['a column twice', 'csv', 'id,user,user\n', 'line 1: the header has a column twice: user'],
    [
      'another encoding',
      'csv',
      Buffer.from('id,description\na,x\nb,Z\xfcrich\n', 'latin1'),
      'line 3: it is not UTF-8 text',
    ],
    ['a quote that is open', 'csv', 'id\na\n\n"b\nc\n', 'line 4: a quote is not closed'],
    ['a long line', 'csv', `id\na\n${'x'.repeat(300_000)}`, 'line 3: the line is longer than 262144 bytes'],
  ])('%s is told with the place', async (_what, format, input, words) => {
    const { status, stderr, stdout } = await nms(['import', '--format', format], input);
    expect(status).toBe(1);
    expect(stderr).toContain(words);
    expect(stdout).toMatch(/^\d added, 0 changed, 0 unchanged, 0 failed\n$/);
    expect(await api.registry.count()).toBe(Number(stdout[0]));
  });

  test('a form that is not said is wrong usage', async () => {
    for (const args of [['import'], ['import', 'fleet.txt'], ['export'], ['import', '--format', 'xml']])
      expect(await nms(args)).toMatchObject({ status: 2, stderr: expect.stringContaining('--format') });
  });

  test('a file that is not there is told', async () => {
    const file = join(api.folder, 'nope.csv');
    const why = `cannot read ${file}: no such file or folder`;
    expect(await nms(['import', file])).toMatchObject({ status: 1, stderr: expect.stringContaining(why) });
  });
});

const printable = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));
const named = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,9}$/);
const inventory = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9_][!-.0-~]{0,9}$/),
    hostKeys: fc.subarray([first, second]),
    profile: fc.constantFrom('default', 'core'),
    description: fc.option(printable.filter((text) => text !== '')),
    labels: fc.dictionary(named, printable, { noNullPrototype: true }),
    settings: fc.record(
      { user: fc.constantFrom('0', 'a,"b"', ' x '), maxSessions: fc.integer({ min: 1, max: 1000 }) },
      { requiredKeys: [], noNullPrototype: true },
    ),
  }),
  { selector: ({ id }) => id, maxLength: 8 },
);

/** What a row says once what is null is gone. */
function said(row: unknown): unknown {
  const { labels, settings, ...rest } = inventoryRow.parse(row);
  const kept = (values: object = {}) => Object.entries(values).filter(([, value]) => value !== null);
  return { ...rest, labels: kept(labels).sort(), settings: kept(settings).sort() };
}

test('every inventory that is written reads back the same, in pieces of any size', async () => {
  await fc.assert(
    fc.asyncProperty(inventory, fc.integer({ min: 1, max: 50 }), async (rows, size) => {
      const items = async function* () {
        yield* rows;
      };
      const csv = (await all(writeCsv(items()))).join('');
      const read = await all(readCsvRows(inPieces(csv, size), 'it'));
      expect(read.map((item) => said('row' in item ? item.row : item))).toEqual(rows.map(said));
      if (rows.length === 0) return;
      const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      const again = await all(readJsonRows(inPieces(lines, size), 'it'));
      expect(again).toEqual(rows.map((row, index) => ({ line: index + 1, row })));
    }),
  );
});

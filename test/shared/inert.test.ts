import { writeTable } from '@callhome/shared/cli/output.js';
import { createProgram, runProgram } from '@callhome/shared/cli/run-program.js';
import { CallhomeError, peerText } from '@callhome/shared/errors.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { captureLog } from '../programs/captured-log.js';

afterEach(() => void vi.restoreAllMocks());

const active: readonly (readonly [string, string])[] = [
  ['a control character', '\u001b'],
  ['a control character of eight bits', '\u009b'],
  ['an override of direction', '\u202e'],
  ['an isolate of direction', '\u2066'],
  ['a mark of direction', '\u200f'],
  ['a separator of lines', '\u2028'],
  ['a separator of paragraphs', '\u2029'],
  ['a space without width', '\u200b'],
  ['a byte order mark', '\ufeff'],
  ['a soft hyphen', '\u00ad'],
  ['a tag', '\u{e0041}'],
  ['half a pair', '\ud83d'],
  ['a character by agreement', '\ue000'],
  ['no character', '\uffff'],
];
const ordinary = 'Ümläute, 漢字, עברית, می‌خواهم, 👩‍💻, ❤️, 🇩🇪';

/** What is written on standard output or standard error. */
async function written(to: 'stdout' | 'stderr', write: () => unknown): Promise<string> {
  const spy = vi.spyOn(process[to], 'write').mockReturnValue(true);
  await write();
  return spy.mock.calls.map(([piece]) => String(piece)).join('');
}

async function reported(error: Error): Promise<string> {
  const program = createProgram('test', 'a test');
  program.action(() => {
    throw error;
  });
  vi.spyOn(process, 'argv', 'get').mockReturnValue(['node', 'test']);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  // a program has one run: what listens on its standard output then stays
  vi.spyOn(process.stdout, 'on').mockReturnValue(process.stdout);
  const { exitCode } = process;
  const text = await written('stderr', () => runProgram(program));
  process.exitCode = exitCode;
  return text;
}

describe('text from a peer', () => {
  it.each(active)('with %s does nothing in a message, a table or an error', async (_what, character) => {
    const text = `router${character}1`;
    expect(peerText(text)).toBe('router 1');
    expect(await written('stdout', () => writeTable([[text, text]], undefined, false))).toBe(
      'router?1\trouter?1\n',
    );
    const error = new CallhomeError('CALLHOME_XML', { why: text });
    expect(await reported(error)).toBe('test: bad XML: router?1\n');
  });

  it.each(active)('with %s stands in the log as an escape', (_what, character) => {
    const { log, text } = captureLog();
    const said = `router${character}1`;
    log.warn({ [said]: said, deep: [{ said }] }, said);
    expect(text().trimEnd()).not.toContain(character);
    expect(JSON.parse(text())).toMatchObject({ [said]: said, deep: [{ said }], msg: said });
  });

  it('of any script stays as it is', async () => {
    expect(peerText(ordinary)).toBe(ordinary);
    expect(await written('stdout', () => writeTable([[ordinary]], undefined, false))).toBe(`${ordinary}\n`);
    expect(await reported(new CallhomeError('CALLHOME_XML', { why: ordinary }))).toContain(ordinary);
    const { log, text } = captureLog();
    log.warn(ordinary);
    expect(text()).toContain(ordinary);
  });

  it('is cut between characters', () => {
    expect(peerText(`${'x'.repeat(299)}👩`)).toMatch(/^x{299} …$/);
  });

  it('keeps the lines of an error with several problems', async () => {
    const error = new CallhomeError('CALLHOME_CONFIG_INVALID', { problems: ['one', 'two'] });
    expect(await reported(error)).toBe('test: one\ntwo\n');
  });
});

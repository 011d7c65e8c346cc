// `npm test`: from nothing to a verdict. `npm test -- PATTERN…` runs the tests that vitest finds by those arguments alone.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installPeers } from './install-peers.mjs';
import { allPeers, missingPeers } from './peers.mjs';
import { alone, build, install } from './prepare.mjs';
import { publishedModules } from './published-modules.mjs';
import { installed, main, run, tell } from './run.mjs';

/** @typedef {'passed' | 'failed' | 'skipped'} Verdict */

const ci = process.env['CI'] === 'true';

/**
 * What a test needs from outside the checkout may be missing, save in CI.
 * @param {string} what
 * @param {readonly string[]} missing
 * @returns {Verdict}
 */
function needed(what, missing) {
  if (missing.length === 0) return 'passed';
  tell(`MISSING ${what}: ${missing.join(', ')}${ci ? '' : ': the tests that need them are skipped'}`);
  return ci ? 'failed' : 'skipped';
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<Verdict>}
 */
async function check(program, ...args) {
  return (await run(installed(program), args)) === 0 ? 'passed' : 'failed';
}

/** @type {readonly { name: string, always?: boolean, verdict: () => Promise<Verdict> }[]} */
const checks = [
  {
    name: 'peers',
    verdict: async () => needed('peers', missingPeers(allPeers)),
  },
  {
    name: 'YANG modules',
    verdict: async () => needed('YANG modules', publishedModules().missing),
  },
  { name: 'lint', verdict: () => check('biome', 'check', '--error-on-warnings', '.') },
  { name: 'types', always: true, verdict: async () => ((await build(['.'])) === 0 ? 'passed' : 'failed') },
  { name: 'dead code', verdict: () => check('knip') },
  { name: 'dead code but for tests', verdict: () => check('knip', '--production') },
];

/**
 * Runs vitest; resolves with the verdicts of all tests. A file that could not be run counts as a test that failed.
 * @param {readonly string[]} args
 * @returns {Promise<string[]>}
 */
async function test(args) {
  const folder = await mkdtemp(path.join(tmpdir(), 'callhome-test-'));
  const file = path.join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const env = { ...process.env, TMPDIR: folder }; // what an interrupted test leaves goes with it
  try {
    const status = await run(installed('vitest'), ['run', ...reporters, ...args], { env });
    /** @type {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} */
    const report = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : { testResults: [] };
    const verdicts = report.testResults.flatMap((file) => {
      const verdicts = file.assertionResults.map((result) => result.status);
      return file.status === 'failed' && !verdicts.includes('failed') ? [...verdicts, 'failed'] : verdicts;
    });
    return status !== 0 && !verdicts.includes('failed') ? [...verdicts, 'failed'] : verdicts;
  } finally {
    await rm(folder, { recursive: true, maxRetries: 3 });
  }
}

await main(async () => {
  const args = process.argv.slice(2);
  await install();
  if (args.length === 0) await alone(async () => installPeers(missingPeers(allPeers)));
  /** @type {string[]} */
  const verdicts = [];
  for (const { name, always, verdict } of checks) {
    if (args.length > 0 && always !== true) continue;
    const result = await verdict();
    tell(`${result.padEnd(7)} ${name}`);
    verdicts.push(result);
  }
  verdicts.push(...(await test(args)));
  /** @param {Verdict} wanted */
  const count = (wanted) => verdicts.filter((verdict) => verdict === wanted).length;
  const [passed, failed] = [count('passed'), count('failed')];
  // vitest has several words for a test that was not run
  process.stdout.write(`${passed} passed, ${failed} failed, ${verdicts.length - passed - failed} skipped\n`);
  return failed === 0 ? 0 : 1;
});

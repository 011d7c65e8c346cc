// `npm run conformance`: is the configuration schema the model's? Many documents, read by ours and by libyang.
import { parseArgs } from 'node:util';
import { installPeers } from './install-peers.mjs';
import { missingPeers } from './peers.mjs';
import { alone, prepare } from './prepare.mjs';
import { moduleFolders, publishedModules } from './published-modules.mjs';
import { installed, main, run, tell } from './run.mjs';

const usage = `Usage: npm run conformance -- [DOCUMENTS [SEED]]

Makes DOCUMENTS configurations (default 20000), valid and invalid, each in JSON and in XML, and compares the verdicts of
our schema and libyang. Ends with the smallest document that they disagree about, if there is one.
The same SEED makes the same documents; without it they are others each time.

Needs yanglint, which it installs on Debian as root, and the published modules: $CALLHOME_YANG has their folders, with
colons between them. By default it is yang in $CALLHOME_SHARED, and that is ../shared.
`;

/** Of both numbers: a seed has 31 bits. */
const largest = 0x7fffffff;

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > largest)
    throw new Error(`${name} must be a whole number from 1 to ${largest}, not ${text}`);
  return value;
}

/** @returns {NodeJS.ProcessEnv | undefined} undefined where help is wanted */
function readArguments() {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help) return undefined;
  const [documents = '20000', seed, ...more] = positionals;
  if (more.length > 0) throw new Error(`nothing goes behind the seed: ${more.join(' ')}`);
  const count = String(wholeNumber('DOCUMENTS', documents));
  return {
    CALLHOME_CONFORMANCE_DOCUMENTS: count,
    ...(seed !== undefined && { CALLHOME_CONFORMANCE_SEED: String(wholeNumber('SEED', seed)) }),
  };
}

await main(async () => {
  /** @type {NodeJS.ProcessEnv | undefined} */
  let settings;
  try {
    settings = readArguments();
  } catch (error) {
    tell(`callhome: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (settings === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  await prepare();
  await alone(async () => installPeers(missingPeers(['yanglint'])));
  if (missingPeers(['yanglint']).length > 0) throw new Error('yanglint is missing: install libyang2-tools');
  const { missing } = publishedModules();
  if (missing.length > 0)
    throw new Error(
      `no ${missing.join(', ')} in ${moduleFolders().join(', ')}: name their folders in CALLHOME_YANG`,
    );
  return await run(installed('vitest'), ['run', 'test/conformance/conformance.test.ts'], {
    env: { ...process.env, ...settings },
  });
});

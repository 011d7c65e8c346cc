import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The folder with the IETF modules and `yang-validate`; it is outside of the checkout. */
const sharedFolder = path.resolve(process.env['CALLHOME_SHARED'] ?? '../shared');
const theirFolder = path.join(sharedFolder, 'yang');
const features = path.join(theirFolder, 'features.txt');

const ownFolder = path.resolve(import.meta.dirname, '../../packages/shared/yang');
const ownModules = readdirSync(ownFolder).map((file) => path.join(ownFolder, file));

/** Whether there is a judge; in CI there has to be one. */
export const hasJudge = existsSync(features) || process.env['CI'] === 'true';
if (!hasJudge) process.stderr.write(`SKIPPED, missing ${features}\n`);

export type Verdict = 'valid' | 'invalid';

export interface Paper {
  readonly encoding: 'json' | 'xml';
  readonly text: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** What libyang says, where it is invalid. */
  readonly reason: string;
}

/** How long one run of a judge may take. Milliseconds. */
const patience = 60_000;

/** The command of yanglint that reads the modules, with the features that are supported and no others. */
function addModules(): string {
  const wanted = new Map<string, string[]>();
  for (const line of readFileSync(features, 'utf8').split('\n')) {
    const [module = '', feature] = line.split(' ');
    if (module === '' || module.startsWith('#')) continue;
    wanted.set(module, [...(wanted.get(module) ?? []), ...(feature === undefined ? [] : [feature])]);
  }
  const published = readdirSync(theirFolder);
  const files = [...wanted.keys()].map((module) => {
    const file = published.find((name) => name.startsWith(`${module}@`));
    if (file === undefined) throw new Error(`no ${module} in ${theirFolder}`);
    return path.join(theirFolder, file);
  });
  const options = [...wanted].flatMap(([module, names]) =>
    names.length > 0 ? [`-F ${module}:${names.join(',')}`] : [],
  );
  return ['add', ...options, ...files, ...ownModules].join(' ');
}

/** The values of an IANA module's enumeration. */
export function publishedNames(module: string): string[] {
  const file = readdirSync(theirFolder).find((name) => name.startsWith(`${module}@`)) ?? module;
  const text = readFileSync(path.join(theirFolder, file), 'utf8');
  return [...text.matchAll(/^ *enum ([^ ]+) \{$/gm)].map((match) => match[1] ?? '');
}

/** Before what is said of a paper: a command that yanglint does not know, which it says at once. */
const mark = /^YANGLINT\[E\]: Unknown command "@(\d+)".*$/m;

/**
 * What libyang says of documents, with the IETF modules and those of callhome. The process runs by itself: whoever
 * computes meanwhile does not hold it up.
 * @param folder for their files, and no other's meanwhile
 */
export async function judge(papers: readonly Paper[], folder: string): Promise<Judgement[]> {
  const [input, output] = [path.join(folder, 'commands'), path.join(folder, 'verdicts')];
  const commands = [`searchpath ${theirFolder}`, addModules()];
  for (const [index, { encoding, text }] of papers.entries()) {
    writeFileSync(path.join(folder, `${index}.${encoding}`), text);
    commands.push(`@${index}`, `data -t config ${index}.${encoding}`);
  }
  writeFileSync(input, `${[...commands, `@${papers.length}`].join('\n')}\n`);
  const [stdin, stderr] = [openSync(input, 'r'), openSync(output, 'w')];
  // it keeps its history at home
  const env = { ...process.env, HOME: folder };
  const yanglint = spawn('yanglint', {
    cwd: folder,
    env,
    stdio: [stdin, 'ignore', stderr],
    timeout: patience,
  });
  for (const file of [stdin, stderr]) closeSync(file);
  await once(yanglint, 'close');
  const [before, ...said] = readFileSync(output, 'utf8').split(mark);
  if (before !== '') throw new Error(`yanglint: ${before}`);
  return papers.map((_, index) => {
    // pairs of a number and what follows it
    const [number, reason = '', next] = said.slice(2 * index, 2 * index + 3);
    if (number !== String(index) || next === undefined) throw new Error(`no verdict for paper ${index}`);
    const errors = reason.split('\n').filter((line) => /^(?:libyang\[0\]|YANGLINT\[E\]): /.test(line));
    return { verdict: errors.length > 0 ? 'invalid' : 'valid', reason: errors.join('; ') };
  });
}

/** The same by `yang-validate`, which starts a yanglint for each document. */
export async function judgeSingly(papers: readonly Paper[], folder: string): Promise<Verdict[]> {
  const files = papers.map(({ encoding, text }, index) => {
    const file = path.join(folder, `${index}.${encoding}`);
    writeFileSync(file, text);
    return file;
  });
  const program = path.join(sharedFolder, 'bin', 'yang-validate');
  const args = [...ownModules.flatMap((module) => ['-m', module]), ...files];
  const said = await new Promise<string>((resolve, reject) => {
    execFile(program, args, { timeout: patience }, (error, stdout, stderr) => {
      // 1: one of them is invalid
      if (error && error.code !== 1) reject(new Error(`${program}: ${stderr || error.message}`));
      else resolve(stdout);
    });
  });
  const lines = said.split('\n');
  return files.map((file) => (lines.includes(`${file}: valid`) ? 'valid' : 'invalid'));
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { implemented, moduleFolders, nameOf, publishedModules } from '../../scripts/published-modules.mjs';

const ownFolder = path.resolve(import.meta.dirname, '../../packages/shared/yang');
const ownModules = readdirSync(ownFolder).map((file) => path.join(ownFolder, file));

const { files: published, missing } = publishedModules();

/** Whether there is a judge; in CI there has to be one. */
export const hasJudge = missing.length === 0 || process.env['CI'] === 'true';
if (!hasJudge) process.stderr.write(`SKIPPED, missing YANG modules: ${missing.join(', ')}\n`);

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
const patience = 180_000;

/** The features that are supported, and no others, as yanglint's options. */
const features = Object.entries(implemented).flatMap(([module, names]) =>
  names.length > 0 ? ['-F', `${nameOf(module)}:${names.join(',')}`] : [],
);

/** The published modules in a folder of their own, and all that are implemented: no other revision is in the way. */
function modulesIn(folder: string): { searched: string; implemented: string[] } {
  if (missing.length > 0) throw new Error(`no ${missing.join(', ')} in ${moduleFolders().join(', ')}`);
  const searched = path.join(folder, 'modules');
  rmSync(searched, { recursive: true, force: true });
  mkdirSync(searched);
  const linked = (name: string) => path.join(searched, `${name}.yang`);
  for (const [name, file] of published) symlinkSync(file, linked(name));
  return { searched, implemented: [...Object.keys(implemented).map(nameOf).map(linked), ...ownModules] };
}

/** The values of an IANA module's enumeration. */
export function publishedNames(module: string): string[] {
  const text = readFileSync(published.get(module) ?? module, 'utf8');
  return [...text.matchAll(/^ *enum ([^ ]+) \{$/gm)].map((match) => match[1] ?? '');
}

/** Before what is said of the modules, and of each paper: a command that yanglint does not know, which it says at once. */
const mark = /^YANGLINT\[E\]: Unknown command "@(\d+)".*$/m;

/**
 * What libyang says of documents, with the IETF modules and those of callhome. The process runs by itself: whoever
 * computes meanwhile does not hold it up.
 * @param folder for their files, and no other's meanwhile
 */
export async function judge(papers: readonly Paper[], folder: string): Promise<Judgement[]> {
  const [input, output] = [path.join(folder, 'commands'), path.join(folder, 'verdicts')];
  const { searched, implemented } = modulesIn(folder);
  const commands = ['@0', `searchpath ${searched}`, ['add', ...features, ...implemented].join(' ')];
  for (const [index, { encoding, text }] of papers.entries()) {
    writeFileSync(path.join(folder, `${index}.${encoding}`), text);
    commands.push(`@${index + 1}`, `data -t config ${index}.${encoding}`);
  }
  writeFileSync(input, `${[...commands, `@${papers.length + 1}`].join('\n')}\n`);
  const [stdin, stderr] = [openSync(input, 'r'), openSync(output, 'w')];
  const yanglint = spawn('yanglint', {
    cwd: folder,
    stdio: [stdin, 'ignore', stderr],
    timeout: patience,
  });
  for (const file of [stdin, stderr]) closeSync(file);
  await once(yanglint, 'close');
  // what it says first is of its history, which it keeps in the user's home
  const [, ...said] = readFileSync(output, 'utf8').split(mark);
  /** What is said behind a mark, up to the next one. */
  const saidOf = (index: number): string => {
    const [number, words = '', next] = said.slice(2 * index, 2 * index + 3);
    if (number !== String(index) || next === undefined)
      throw new Error(`yanglint ended before mark ${index}`);
    return words.trim();
  };
  if (saidOf(0) !== '') throw new Error(`yanglint: ${saidOf(0)}`);
  return papers.map((_, index) => {
    const errors = saidOf(index + 1)
      .split('\n')
      .filter((line) => /^(?:libyang\[0\]|YANGLINT\[E\]): /.test(line));
    return { verdict: errors.length > 0 ? 'invalid' : 'valid', reason: errors.join('; ') };
  });
}

/** The same by the exit status of a yanglint for each document. */
export async function judgeSingly(papers: readonly Paper[], folder: string): Promise<Verdict[]> {
  const { searched, implemented } = modulesIn(folder);
  const verdicts: Verdict[] = [];
  for (const [index, { encoding, text }] of papers.entries()) {
    const file = path.join(folder, `${index}.${encoding}`);
    writeFileSync(file, text);
    const args = ['-p', searched, '-t', 'config', ...features, ...implemented, file];
    const yanglint = spawn('yanglint', args, { stdio: 'ignore', timeout: patience });
    const [status] = await once(yanglint, 'close');
    verdicts.push(status === 0 ? 'valid' : 'invalid');
  }
  return verdicts;
}

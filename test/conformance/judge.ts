import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** The folder with libyang's judge and the IETF modules; it is outside of the checkout. */
export const sharedFolder = path.resolve(process.env['CALLHOME_SHARED'] ?? '../shared');
const judgeProgram = path.join(sharedFolder, 'bin', 'yang-validate');

const ownFolder = path.resolve(import.meta.dirname, '../../packages/shared/yang');
const ownModules = readdirSync(ownFolder).map((file) => path.join(ownFolder, file));

/** Whether there is a judge; in CI there has to be one. */
export const hasJudge = existsSync(judgeProgram) || process.env['CI'] === 'true';
if (!hasJudge) process.stderr.write(`SKIPPED, missing ${judgeProgram}\n`);

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

/** Files for one run of the judge. */
const batch = 100;

function run(files: readonly string[]): Promise<string> {
  const args = [...ownModules.flatMap((module) => ['-m', module]), ...files];
  return new Promise((resolve, reject) => {
    execFile(
      judgeProgram,
      args,
      { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 },
      (error, stdout, stderr) => {
        // 1: one of them is invalid
        if (error && error.code !== 1) reject(new Error(`${judgeProgram}: ${stderr || error.message}`));
        else resolve(stdout);
      },
    );
  });
}

/** What libyang says of documents, with the IETF modules and those of callhome. @param folder for their files */
export async function judge(papers: readonly Paper[], folder: string): Promise<Judgement[]> {
  const files = papers.map(({ encoding }, index) => path.join(folder, `${index}.${encoding}`));
  await Promise.all(papers.map(({ text }, index) => writeFile(files[index] ?? '', text)));
  const batches = Array.from({ length: Math.ceil(files.length / batch) }, (_, index) =>
    files.slice(index * batch, (index + 1) * batch),
  );
  const said = new Map<string, Judgement>();
  const work = async (): Promise<void> => {
    for (let next = batches.pop(); next; next = batches.pop()) {
      for (const line of (await run(next)).split('\n')) {
        const match = /^(.*?): (valid|invalid)(?:: (.*))?$/.exec(line);
        if (match) said.set(match[1] ?? '', { verdict: match[2] as Verdict, reason: match[3] ?? '' });
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return files.map((file) => {
    const judgement = said.get(file);
    if (!judgement) throw new Error(`no verdict for ${file}`);
    return judgement;
  });
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

const catalogue = path.resolve('packages/shared/src/errors.ts');

/** Where an import of ours leads; undefined for a package's. */
function sourceOf(specifier: string, from: string): string | undefined {
  const shared = /^@callhome\/shared\/(.*)\.js$/.exec(specifier);
  if (shared) return path.resolve('packages/shared/src', `${shared[1]}.ts`);
  if (specifier.startsWith('.')) return path.resolve(path.dirname(from), specifier.replace(/\.js$/, '.ts'));
  return undefined;
}

/** Every source file that a program's main file imports, by whatever way, with its text. */
async function reach(file: string, texts = new Map<string, string>()): Promise<Map<string, string>> {
  if (texts.has(file)) return texts;
  const text = await readFile(file, 'utf8');
  texts.set(file, text);
  for (const [, specifier = ''] of text.matchAll(/(?:from|import\() ?'([^']+)'/g)) {
    const source = sourceOf(specifier, file);
    if (source) await reach(source, texts);
  }
  return texts;
}

function matchesOf(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map(([, match = '']) => match);
}

describe('the guide to the agent', () => {
  let guide: string;
  let all: string[];
  beforeAll(async () => {
    guide = await readFile('docs/agent.md', 'utf8');
    all = matchesOf(/^ {2}(CALLHOME_\w+): /gm, await readFile(catalogue, 'utf8'));
  });

  test('explains every error that the agent can report, and no other', async () => {
    const texts = await reach(path.resolve('packages/agent/src/cli/main.ts'));
    const raised = [...texts].flatMap(([file, text]) =>
      // in the catalogue itself only what it raises, not what it lists
      matchesOf(file === catalogue ? /new CallhomeError\('(CALLHOME_\w+)'/g : /'(CALLHOME_\w+)'/g, text),
    );
    const reported = new Set(raised.filter((name) => all.includes(name)));
    expect(reported.size).toBeGreaterThan(30);
    const explained = matchesOf(/^\| `(CALLHOME_\w+)` \|/gm, guide);
    expect(explained.toSorted()).toEqual([...reported].toSorted());
  });

  test('names no code that there is not', () => {
    const variables = ['CALLHOME_CONFIG', 'CALLHOME_LOG_LEVEL'];
    const named = new Set(matchesOf(/\b(CALLHOME_[A-Z_]+)\b/g, guide));
    expect([...named].filter((name) => !all.includes(name) && !variables.includes(name))).toEqual([]);
  });
});

import { readDocument } from '@callhome/shared/config/document.js';
import type { Fields } from '@callhome/shared/config/yang/node.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requirePeers } from '../interop/peers/require-peers.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { documentXml, pathsIn, type SchemaPath, schemaPaths, smaller, specimens } from './documents.js';
import { hasJudge, judge, type Paper, type Verdict } from './judge.js';

const count = Number(process.env['CALLHOME_CONFORMANCE_DOCUMENTS'] ?? 300);
const seed = Number(process.env['CALLHOME_CONFORMANCE_SEED'] ?? Date.now() % 0x7fffffff);
/** Documents that are judged together. */
const round = 500;

function papersOf(document: Fields): Paper[] {
  return [
    { encoding: 'json', text: JSON.stringify(document) },
    { encoding: 'xml', text: documentXml(document) },
  ];
}

function ours({ text }: Paper): { verdict: Verdict; reason: string } {
  try {
    readDocument(text, 'document');
    return { verdict: 'valid', reason: '' };
  } catch (error) {
    expect(error).toMatchObject({ code: 'CALLHOME_CONFIG_INVALID' });
    return { verdict: 'invalid', reason: String(error) };
  }
}

requirePeers('yanglint')(`our schema and libyang, over ${count} documents (seed ${seed})`, () => {
  let folder = '';
  beforeAll(async () => {
    if (hasJudge) folder = await createFolder('conformance');
  });
  afterAll(async () => {
    if (hasJudge) await removeFolder(folder);
  });

  async function disagreements(
    documents: readonly Fields[],
  ): Promise<(Paper & { document: Fields; why: string })[]> {
    const papers = documents.flatMap((document) =>
      papersOf(document).map((paper) => ({ ...paper, document })),
    );
    const theirs = await judge(papers, folder);
    return papers.flatMap((paper, index) => {
      const our = ours(paper);
      const their = theirs[index];
      if (their?.verdict === our.verdict) return [];
      return [
        { ...paper, why: `ours: ${our.verdict} ${our.reason}\nlibyang: ${their?.verdict} ${their?.reason}` },
      ];
    });
  }

  /** The smallest document that shows it: leaves parts out as long as the verdicts differ. */
  async function smallest(document: Fields, encoding: Paper['encoding']): Promise<string> {
    let best = document;
    for (let shrunk = true; shrunk; ) {
      shrunk = false;
      const candidates = [...smaller(best)];
      const [next] = (await disagreements(candidates)).filter((one) => one.encoding === encoding);
      if (next) {
        best = next.document;
        shrunk = true;
      }
    }
    const [found] = (await disagreements([best])).filter((one) => one.encoding === encoding);
    return `${found?.text}\n${found?.why}`;
  }

  test.skipIf(!hasJudge)(
    'agree about every document, and every leaf and case occurs',
    async () => {
      const paths = schemaPaths();
      const missing = new Map<string, SchemaPath>(paths.map((path) => [path.join('/'), path]));
      const valid = { json: 0, xml: 0 };
      for (let done = 0; done < count; done += round) {
        const documents = Array.from({ length: Math.min(round, count - done) }, (_, index) => {
          // what has not occurred yet is asked for
          const [next] = missing.values();
          const target = next ?? paths[(done + index) % paths.length] ?? [];
          const [specimen] = fc.sample(specimens(target), { numRuns: 1, seed: seed + done + index });
          const document = specimen?.document ?? {};
          if (specimen?.mutations.length === 0) for (const path of pathsIn(document)) missing.delete(path);
          return document;
        });
        for (const document of documents)
          for (const paper of papersOf(document))
            if (ours(paper).verdict === 'valid') valid[paper.encoding] += 1;
        const [found] = await disagreements(documents);
        if (found) expect.fail(`${found.encoding}: ${await smallest(found.document, found.encoding)}`);
        process.stderr.write(`${Math.min(done + round, count)} of ${count} documents\n`);
      }
      expect([...missing.keys()]).toEqual([]);
      // neither all valid nor all invalid: the documents say something
      for (const some of Object.values(valid)) {
        expect(some).toBeGreaterThan(count / 4);
        expect(some).toBeLessThan((count * 3) / 4);
      }
    },
    60_000 + count * 120,
  );
});

import { readDocument } from '@callhome/shared/config/document.js';
import { sshEncryptionAlgorithm } from '@callhome/shared/config/modules/iana-ssh-encryption-algs.js';
import { sshKeyExchangeAlgorithm } from '@callhome/shared/config/modules/iana-ssh-key-exchange-algs.js';
import { sshMacAlgorithm } from '@callhome/shared/config/modules/iana-ssh-mac-algs.js';
import { sshPublicKeyAlgorithm } from '@callhome/shared/config/modules/iana-ssh-public-key-algs.js';
import { tlsCipherSuiteAlgorithm } from '@callhome/shared/config/modules/iana-tls-cipher-suite-algs.js';
import type { Fields } from '@callhome/shared/config/yang/node.js';
import { typeFacts } from '@callhome/shared/config/yang/types.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirePeers } from '../interop/peers/require-peers.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { documentXml } from './document-xml.js';
import { type SchemaPath, schemaPaths } from './documents.js';
import {
  hasJudge,
  type Judgement,
  judge,
  judgeSingly,
  type Paper,
  publishedNames,
  type Verdict,
} from './judge.js';
import { pathsIn, type Specimen, specimens, trials, tried } from './specimens.js';
import { smaller } from './spots.js';

const count = Number(process.env['CALLHOME_CONFORMANCE_DOCUMENTS'] ?? 300);
const seed = Number(process.env['CALLHOME_CONFORMANCE_SEED'] ?? Date.now() % 0x7fffffff);
/** Documents that are judged together. */
const round = 100;
/** Documents after which it is told how many there were. */
const reported = 1000;

function one(specimens: fc.Arbitrary<Specimen>, index: number): Specimen {
  const [specimen] = fc.sample(specimens, { numRuns: 1, seed: seed + index });
  return specimen ?? { document: {}, unchanged: false };
}

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

interface Compared extends Paper {
  readonly document: Fields;
  readonly our: ReturnType<typeof ours>;
}

function compared(documents: readonly Fields[]): Compared[] {
  return documents.flatMap((document) =>
    papersOf(document).map((paper) => ({ ...paper, document, our: ours(paper) })),
  );
}

interface Disagreement extends Paper {
  readonly document: Fields;
  readonly why: string;
}

describe("the names of IANA's registry", () => {
  test.skipIf(!hasJudge).each([
    ['iana-ssh-encryption-algs', sshEncryptionAlgorithm],
    ['iana-ssh-key-exchange-algs', sshKeyExchangeAlgorithm],
    ['iana-ssh-mac-algs', sshMacAlgorithm],
    ['iana-ssh-public-key-algs', sshPublicKeyAlgorithm],
    ['iana-tls-cipher-suite-algs', tlsCipherSuiteAlgorithm],
  ])('%s are those of the published module', (module, enumeration) => {
    expect(typeFacts(enumeration).names).toEqual(publishedNames(module));
  });
});

requirePeers('yanglint')(`our schema and libyang, over ${count} documents (seed ${seed})`, () => {
  let folder = '';
  beforeAll(async () => {
    if (hasJudge) folder = await createFolder('conformance');
  });
  afterAll(async () => {
    if (hasJudge) await removeFolder(folder);
  });

  function disagreements(papers: readonly Compared[], theirs: readonly Judgement[]): Disagreement[] {
    return papers.flatMap(({ our, ...paper }, index) => {
      const their = theirs[index];
      if (their?.verdict === our.verdict) return [];
      const why = `ours: ${our.verdict} ${our.reason}\nlibyang: ${their?.verdict} ${their?.reason}`;
      return [{ ...paper, why }];
    });
  }

  async function judged(documents: readonly Fields[]): Promise<Disagreement[]> {
    const papers = compared(documents);
    return disagreements(papers, await judge(papers, folder));
  }

  /** The smallest document that shows it: leaves parts out as long as the verdicts differ. */
  async function smallest({ document, encoding }: Disagreement): Promise<string> {
    let best = document;
    for (let shrunk = true; shrunk; ) {
      shrunk = false;
      const candidates = [...smaller(best)];
      const [next] = (await judged(candidates)).filter((one) => one.encoding === encoding);
      if (next) {
        best = next.document;
        shrunk = true;
      }
    }
    const [found] = (await judged([best])).filter((one) => one.encoding === encoding);
    return `${found?.text}\n${found?.why}`;
  }

  test.skipIf(!hasJudge)(
    'agree about every document, and every leaf and case occurs',
    async () => {
      const paths = schemaPaths();
      const missing = new Map<string, SchemaPath>(paths.map((path) => [path.join('/'), path]));
      const valid = { json: 0, xml: 0 };
      const changes = trials();
      let turn = seed;
      const generate = (index: number): Fields => {
        // what has not occurred yet is asked for
        const [next] = missing.values();
        const target = next ?? paths[index % paths.length] ?? [];
        const trial = next || index % 8 === 0 ? undefined : changes[turn++ % changes.length];
        const { document, unchanged } = one(trial ? tried(trial) : specimens(target), index);
        if (unchanged) for (const path of pathsIn(document)) missing.delete(path);
        return document;
      };
      const settle = async (papers: readonly Compared[], theirs: Promise<Judgement[]>): Promise<void> => {
        const [found] = disagreements(papers, await theirs);
        if (found) expect.fail(`${found.encoding}: ${await smallest(found)}`);
        for (const { encoding, our } of papers) if (our.verdict === 'valid') valid[encoding] += 1;
      };

      // the judge reads one round while we read the next one
      let former = Promise.resolve();
      for (let done = 0; done < count; done += round) {
        const size = Math.min(round, count - done);
        const papers = compared(Array.from({ length: size }, (_, index) => generate(done + index)));
        await former;
        former = settle(papers, judge(papers, folder));
        if ((done + size) % reported === 0) process.stderr.write(`${done + size} of ${count} documents\n`);
      }
      await former;

      expect([...missing.keys()]).toEqual([]);
      // neither all valid nor all invalid: the documents say something
      for (const some of Object.values(valid)) {
        expect(some).toBeGreaterThan(count / 4);
        expect(some).toBeLessThan((count * 3) / 4);
      }
    },
    180_000 + count * 500,
  );

  test.skipIf(!hasJudge)('the judge of many documents at once judges as one for each does', async () => {
    const paths = schemaPaths();
    const documents = Array.from({ length: 10 }, (_, index) => {
      const target = paths[(seed + index) % paths.length] ?? [];
      return one(specimens(target), index).document;
    });
    const papers = documents.flatMap(papersOf);
    const verdicts = (await judge(papers, folder)).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(await judgeSingly(papers, folder));
  });
});

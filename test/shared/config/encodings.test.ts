import { members } from '@callhome/shared/config/configuration.js';
import { type Document, readDocument } from '@callhome/shared/config/document.js';
import { writeXml } from '@callhome/shared/config/yang/xml.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schemaPaths } from '../../conformance/documents.js';
import { hasJudge, judge } from '../../conformance/judge.js';
import { specimens } from '../../conformance/specimens.js';
import { requirePeers } from '../../interop/peers/require-peers.js';
import { createFolder, removeFolder } from '../../programs/folder.js';

function read(text: string): Document | undefined {
  try {
    return readDocument(text, 'document');
  } catch {
    return undefined;
  }
}

/** Valid documents, with every part of the schema in some of them. */
const documents = fc
  .constantFrom(...schemaPaths())
  .chain(specimens)
  .map(({ document }) => read(JSON.stringify(document)))
  .filter((document) => document !== undefined);

describe('a valid document', () => {
  test('that is written as XML and read again is the same', () => {
    fc.assert(
      fc.property(documents, ({ data, config }) => {
        const again = readDocument(writeXml(members, data), 'document');
        expect(again.config).toEqual(config);
        // and what was written of it is: nothing is added, nothing is left out
        expect(writeXml(members, again.data)).toBe(writeXml(members, data));
      }),
    );
  });

  test('that is written as JSON and read again is the same', () => {
    fc.assert(
      fc.property(documents, ({ data, config }) => {
        const text = JSON.stringify(data);
        const again = readDocument(text, 'document');
        expect(again.config).toEqual(config);
        expect(JSON.stringify(again.data)).toBe(text);
      }),
    );
  });

  requirePeers('yanglint')('as we write it', () => {
    test.skipIf(!hasJudge)('is valid for libyang too', async () => {
      const folder = await createFolder('encodings');
      try {
        const papers = fc.sample(documents, 100).flatMap(({ data }) => [
          { encoding: 'xml' as const, text: writeXml(members, data) },
          { encoding: 'json' as const, text: JSON.stringify(data) },
        ]);
        for (const { reason } of await judge(papers, folder)) expect(reason).toBe('');
      } finally {
        await removeFolder(folder);
      }
    });
  });
});

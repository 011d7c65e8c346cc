import { newAgentDocument } from '@callhome/shared/config/agent-document.js';
import { readDraft2014 } from '@callhome/shared/convert/draft-2014/read.js';
import { draft2014ToModel } from '@callhome/shared/convert/draft-2014/to-model.js';
import { junosToModel } from '@callhome/shared/convert/junos/to-model.js';
import { generateKeyPair } from '@callhome/shared/ssh/key-pair.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasJudge, judge } from '../conformance/judge.js';
import { createFolder, removeFolder } from '../programs/folder.js';
import { anyClients } from '../shared/convert/junos/clients.js';
import { requirePeers } from './peers/require-peers.js';

const references = { hostKey: 'host-key', user: 'callhome', trusted: 'nms' };
const key = generateKeyPair();
const stores = Object(
  newAgentDocument({ endpoints: [], hostKey: key, user: 'callhome', userKeys: [key.publicKey] }),
);

/** With the IETF's part of each application. */
function documentOf(applications: readonly object[]): string {
  return JSON.stringify({
    'ietf-keystore:keystore': stores['ietf-keystore:keystore'],
    'ietf-truststore:truststore': stores['ietf-truststore:truststore'],
    'ietf-netconf-server:netconf-server': {
      'call-home': {
        'netconf-client': applications.map((application) =>
          Object.fromEntries(
            Object.entries(application).filter(([name]) => !name.startsWith('callhome-agent:')),
          ),
        ),
      },
    },
  });
}

const junos = fc
  .sample(
    anyClients(false).filter((clients) => clients.length > 0),
    { numRuns: 20, seed: 8071 },
  )
  .map((clients) => documentOf(junosToModel(clients, references).applications));
const extremes = documentOf(
  junosToModel(
    [0, 1, 255, 256, 65535, 65536, 4294967295].map((number) => ({
      name: `\u{1f600} "${number}"`,
      keepAlive: { retry: number, timeout: number },
      services: [],
      servers: ['::1', 'fe80::1%eth0', 'nms.example.net', '300.1.2.3', '-', 'a_b', 'a b', ''].map(
        (address) => ({
          address,
          port: Math.min(Math.max(number, 1), 65535),
          retry: number,
          timeout: number,
        }),
      ),
    })),
    references,
  ).applications,
);
const server = '<server><address>nms</address><port>1</port></server>';
const draft2014 = documentOf(
  draft2014ToModel(
    readDraft2014(
      `<netconf xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-server"><call-home><applications>
      ${['persistent', 'periodic']
        .map(
          (
            type,
          ) => `<application><name>${type}</name><servers>${server}${server}</servers><transport><ssh/></transport>
        <connection-type><${type}/></connection-type><reconnect-strategy><count-max>0</count-max></reconnect-strategy></application>`,
        )
        .join('')}</applications></call-home></netconf>`,
      'config.xml',
    ).applications,
    references,
  ).applications,
);

requirePeers('yanglint')('libyang', () => {
  test.skipIf(!hasJudge)('takes what imports make', async () => {
    const folder = await createFolder('imports');
    try {
      const texts = [...junos, extremes, draft2014];
      const papers = texts.map((text) => ({ encoding: 'json' as const, text }));
      for (const { reason } of await judge(papers, folder)) expect(reason).toBe('');
    } finally {
      await removeFolder(folder);
    }
  });
});

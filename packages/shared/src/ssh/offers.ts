import type { Client, Connection } from 'ssh2';
import { CallhomeError, type Disagreement, peerText } from '../errors.js';
import { onFirstOffers } from './ssh2-internals.js';
import { readStrings } from './wire.js';

/** The lists of a KEXINIT (RFC 4253 §7.1), but for languages; and the cipher that is to make a MAC needless. */
const lists: readonly { readonly what: string; readonly cipher?: number }[] = [
  { what: 'key exchange' },
  { what: 'host key' },
  { what: 'cipher to the device' },
  { what: 'cipher from the device' },
  { what: 'MAC to the device', cipher: 2 },
  { what: 'MAC from the device', cipher: 3 },
  { what: 'compression to the device' },
  { what: 'compression from the device' },
];

/** These bring a MAC of their own. */
const needsNoMac = /^(aes(128|256)-gcm|chacha20-poly1305)@openssh\.com$/;

/** Stands among the key exchanges and is none (RFC 8308 §2.1). */
const isExtension = /^(ext-info|kex-strict)-/;

function readOffer(kexInit: Uint8Array): string[][] | undefined {
  const strings = readStrings(Buffer.from(kexInit), 17, lists.length);
  return strings?.map((list) =>
    list
      .toString('latin1')
      .split(',')
      .filter((name) => name !== '' && !isExtension.test(name)),
  );
}

/** What two KEXINITs have not in common; nothing where one cannot be read. */
export function disagreements(
  ours: Uint8Array,
  theirs: Uint8Array,
  weAre: 'client' | 'server',
): readonly Disagreement[] {
  const our = readOffer(ours);
  const their = readOffer(theirs);
  if (!our || !their) return [];
  const [client, server] = weAre === 'client' ? [our, their] : [their, our];
  const agreed = (list: number): string | undefined =>
    client[list]?.find((name) => server[list]?.includes(name));
  const found = new Map<string, Disagreement>();
  for (const [list, { what, cipher }] of lists.entries()) {
    if (agreed(list) !== undefined) continue;
    if (cipher !== undefined && needsNoMac.test(agreed(cipher) ?? '')) continue;
    const offers = { theirs: peerText(their[list]?.join(', ') || 'none'), ours: our[list]?.join(', ') ?? '' };
    // Mostly both directions are alike.
    const key = JSON.stringify(offers);
    found.set(key, { what: [found.get(key)?.what ?? [], what].flat().join(' and '), ...offers });
  }
  return [...found.values()];
}

/**
 * Watches what both ends offer in the first exchange of keys, which is to come. The result tells why that has failed:
 * CALLHOME_NO_COMMON_ALGORITHM, or undefined where it was for something else.
 * @param setting where our offer can be changed
 */
export function watchOffers(
  connection: Client | Connection,
  weAre: 'client' | 'server',
  setting: string | undefined,
): () => CallhomeError | undefined {
  let missing: readonly Disagreement[] | undefined;
  onFirstOffers(connection, (ours, theirs) => {
    missing ??= disagreements(ours, theirs, weAre);
  });
  return () =>
    missing?.length ? new CallhomeError('CALLHOME_NO_COMMON_ALGORITHM', { missing, setting }) : undefined;
}

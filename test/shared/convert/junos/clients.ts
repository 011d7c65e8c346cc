import type { OutboundSshClient } from '@callhome/shared/convert/junos/outbound-ssh.js';
import { reservedWords } from '@callhome/shared/convert/junos/outbound-ssh.js';
import fc from 'fast-check';

/** Text of one line, with what Junos and YANG have to quote. */
export const line = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('"', '\\', ' ', '#', ';', '{', '[', '/*', 'é', '😀', 'n'),
      fc.string({ minLength: 1, maxLength: 1 }),
    ),
  })
  .filter((text) => text !== '' && !/\p{Cc}/u.test(text));

const number = fc.integer({ min: 1, max: 255 });
const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()).filter((text) => !reservedWords.has(text));

/** Clients as a Junos device may have them; `together`: with servers that all have the same limits, as the model has it. */
export function anyClients(together: boolean): fc.Arbitrary<OutboundSshClient[]> {
  const server = fc.record({
    address,
    port: fc.integer({ min: 1, max: 65535 }),
    retry: number,
    timeout: number,
  });
  const client = fc.record({
    name: line,
    deviceId: line,
    secret: fc.option(line, { nil: undefined }),
    keepAlive: fc.option(fc.record({ retry: number, timeout: number }), { nil: undefined }),
    reconnectStrategy: fc.constantFrom('sticky' as const, 'in-order' as const, undefined),
    services: fc.constant(['netconf']),
    servers: fc.uniqueArray(server, { selector: (one) => one.address, minLength: 1, maxLength: 4 }),
  });
  return fc.uniqueArray(client, { selector: (one) => one.name, maxLength: 4 }).map((clients) =>
    together
      ? clients.map((one) => ({
          ...one,
          servers: one.servers.map((each) => ({
            ...each,
            retry: one.servers[0]?.retry ?? 3,
            timeout: one.servers[0]?.timeout ?? 15,
          })),
        }))
      : clients,
  );
}

/** Without the lines of the text. */
export function withoutLines(clients: readonly OutboundSshClient[]): OutboundSshClient[] {
  return clients.map((client) => ({
    ...client,
    line: undefined,
    servers: client.servers.map((server) => ({ ...server, line: undefined })),
  }));
}

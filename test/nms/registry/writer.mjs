// Writes devices until it is killed, and tells of each one when the registry has said that it is kept.
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';

const registry = await openEmbeddedRegistry(process.argv[2]);
for (let i = 0; ; i++) {
  const keys = [0, 1, 2].map((n) => ({ type: 't', blob: `key-${i}-${n}`, fingerprint: `SHA256:${i}-${n}` }));
  await registry.add({ id: `device-${i}`, hostKeys: keys, user: 'netconf', labels: { n: String(i) } });
  await registry.connected(
    `device-${i}`,
    { owner: 'collector', connection: i },
    {
      transport: 'ssh',
      remoteAddress: '192.0.2.1:1',
      hostKey: `SHA256:${i}-0`,
      sessionId: i + 1,
      capabilities: [],
      connectedAt: '2026-01-01T00:00:00.000Z',
    },
  );
  if (i > 0) await registry.remove(`device-${i - 1}`);
  process.stdout.write(`${i}\n`);
}

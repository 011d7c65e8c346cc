// Imports batches of 50 devices until it is killed, and tells of each one when the registry has said that it is kept.
import { openEmbeddedRegistry } from '@callhome/nms/registry/embedded/embedded.js';

const registry = await openEmbeddedRegistry(process.argv[2]);
for (let batch = 1; ; batch++) {
  const rows = Array.from({ length: 50 }, (_, n) => {
    const id = `device-${batch}-${n}`;
    return { id, hostKeys: [{ type: 't', blob: id, fingerprint: `SHA256:${id}` }] };
  });
  await registry.bring(rows);
  process.stdout.write(`${batch}\n`);
}

// Preloaded into a program with --expose-gc: at SIGUSR2 it logs what it holds.
import { readdirSync, writeSync } from 'node:fs';

process.on('SIGUSR2', async () => {
  // What the first collection frees may need a second one, and a turn of the loop between them.
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  const active = {};
  for (const kind of process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate')) {
    active[kind] = (active[kind] ?? 0) + 1;
  }
  const { heapUsed, external } = process.memoryUsage();
  const descriptors = readdirSync('/proc/self/fd').length;
  const line = { level: 'info', msg: 'resources', descriptors, active, memory: heapUsed + external };
  writeSync(2, `${JSON.stringify(line)}\n`);
});

import { exitStatus } from './run-program.js';

/**
 * Resolves with the first SIGINT or SIGTERM, which asks for an orderly stop; the same one again ends the process at
 * once. The other one does not: a terminal's SIGINT often comes with a supervisor's SIGTERM.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const seen = new Set<NodeJS.Signals>();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (seen.has(signal)) process.exit(exitStatus.failed);
        seen.add(signal);
        resolve(signal);
      });
    }
  });
}

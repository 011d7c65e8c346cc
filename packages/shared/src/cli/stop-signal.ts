import { exitStatus } from './run-program.js';

/** Resolves with the first SIGINT or SIGTERM, which asks for an orderly stop; a second one ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(exitStatus.failed);
        asked = true;
        resolve(signal);
      });
    }
  });
}

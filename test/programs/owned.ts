import { afterEach } from 'vitest';

/** Keeps what a test file's tests start, and stops it after each test, the last first. */
export function createOwner(): <T extends { stop(): Promise<void> }>(started: T) => T {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  return (started) => {
    stops.push(() => started.stop());
    return started;
  };
}

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Of a machine that has other things to do: nobody waits for as long unless something is wrong.
    expect: { poll: { timeout: 60_000 } },
  },
});

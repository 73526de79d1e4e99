import { defineConfig } from 'vitest/config';

// Real servers do the work, so two or three files at a time keep two cores busy. No retries: a test that fails
// now and then is a bug report.
export default defineConfig({
  test: {
    include: ['libs/**/*.test.ts', 'services/**/*.test.ts', 'test/**/*.test.ts', 'infra/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['libs/testkit/src/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    retry: 0,
  },
});

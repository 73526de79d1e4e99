import { defineConfig } from 'vitest/config';
import { FileOrder } from './test/suite/order.ts';
import { SlowestFiles } from './test/suite/slowest-files.ts';

const folders = '{libs,services,test,infra}';
const withServers = ['libs/testkit/src/global-setup.ts'];
const exclude = ['**/node_modules/**'];

// The end of a file's name says what it needs. No retries: a test that fails now and then is a bug report.
export default defineConfig({
  test: {
    projects: [
      {
        // Pure: no server, nothing set up, many files in one process.
        extends: true,
        test: {
          name: 'unit',
          include: [`${folders}/**/*.test.ts`],
          exclude: [...exclude, '**/*.{pg,nats,e2e}.test.ts'],
          isolate: false,
        },
      },
      {
        // On PostgreSQL servers and a nats-server that all files share.
        extends: true,
        test: {
          name: 'servers',
          include: [`${folders}/**/*.{pg,nats}.test.ts`],
          exclude,
          globalSetup: withServers,
        },
      },
      {
        // With services as processes, and mostly on servers of their own.
        extends: true,
        test: {
          name: 'scenarios',
          testTimeout: 240_000,
          include: [`${folders}/**/*.e2e.test.ts`],
          exclude,
          globalSetup: withServers,
        },
      },
    ],
    pool: 'forks',
    // Tests wait for servers part of the time, so four keep two cores busy.
    maxWorkers: 4,
    sequence: { sequencer: FileOrder },
    setupFiles: ['test/suite/cpu-time.ts'],
    // The JSON is what `npm test` counts.
    reporters: ['default', ['json', { outputFile: '.tools/test-result.json' }], new SlowestFiles()],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    retry: 0,
  },
});

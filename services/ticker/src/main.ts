// The ticker as a process: configuration, wiring, run.
import { runFile, writeRunFile } from '@millrace/config';
import { runMain, runProcess } from '@millrace/lifecycle';
import { tickerStart } from './config.ts';
import { makeTicker } from './ticker.ts';

await runMain('ticker', async () => {
  const { config, http, options } = tickerStart();
  await runProcess({
    identity: { service: 'ticker', queue: config.queue },
    http,
    onListening: async ({ host, port, url }) =>
      writeRunFile(runFile(config, 'ticker'), { service: 'ticker', host, port, url }),
    create: () => makeTicker(options),
  });
});

// Capture as a process: configuration, wiring, run.
import { runFile, writeRunFile } from '@millrace/config';
import { runMain, runProcess } from '@millrace/lifecycle';
import { makeCapture } from './capture.ts';
import { captureStart } from './config.ts';

await runMain('capture', async () => {
  const { config, http, options } = captureStart();
  await runProcess({
    identity: { service: 'capture', queue: config.queue },
    http,
    onListening: async ({ host, port, url }) =>
      writeRunFile(runFile(config, 'capture'), { service: 'capture', host, port, url }),
    create: () => makeCapture(options),
  });
});

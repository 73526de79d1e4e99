// Replay as a process: configuration, wiring, run.
import { runFile, writeRunFile } from '@millrace/config';
import { runMain, runProcess } from '@millrace/lifecycle';
import { replayStart } from './config.ts';
import { makeReplay } from './replay.ts';
import { Freshness } from './report/freshness.ts';

await runMain('replay', async () => {
  const { config, http, name, options } = replayStart();
  const freshness = new Freshness(options);
  await runProcess({
    identity: { service: 'replay', queue: config.queue, subscriber: name },
    http,
    onListening: async ({ host, port, url }) =>
      writeRunFile(runFile(config, 'replay', name), { service: 'replay', name, host, port, url }),
    fresh: (maxLagMs, ready) => freshness.judge(maxLagMs, ready),
    create: () => makeReplay({ ...options, freshness }),
  });
});

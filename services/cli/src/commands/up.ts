import { dirname } from 'node:path';
import { embeddedConfigFile, findConfigFile, loadConfig } from '@millrace/config';
import type { Arguments, Command, Context } from '@millrace/control';
import { chooseParts, replicates } from '@millrace/control/parts';
import { codes, MillraceError } from '@millrace/errors';
import {
  announcePage,
  type EmbeddedDefault,
  isEmbedded,
  refuseFatal,
  replicationWorks,
  reportFindings,
  Supervisor,
  startEmbedded,
  takeLock,
} from '@millrace/host';
import { endOfUp } from '../end-of-up.ts';

export const up: Command = {
  name: 'up',
  summary: 'Run all services of this host in the foreground; without a configuration also three PostgreSQL servers.',
  usage: '[--only PART,…]',
  example: 'millrace up --only ticker,capture,replay:eu',
  more:
    'Prints one line `ready` on stdout when replication works. SIGTERM and Ctrl-C end it cleanly. Parts are nats (only\n' +
    'when the configuration names no bus), ticker, capture, replay:NAME, admin. Without any configuration it starts the\n' +
    'embedded default in ./.millrace: a provider and two subscribers.',
  options: { only: { type: 'string', value: 'PART,…', help: 'only these parts' } },
  words: [0, 0],
  effect: 'serves',
  run: runUp,
};

async function runUp(context: Context, args: Arguments): Promise<number> {
  const ending = endOfUp();
  if (ending.signal.aborted) return 0;
  let embedded: EmbeddedDefault | undefined;
  let supervisor: Supervisor | undefined;
  let release: (() => void) | undefined;
  try {
    let file = findConfigFile({ flag: context.configFile });
    if (file === undefined && args.has('only')) {
      throw new MillraceError(codes.CONFIG, '--only needs a configuration', {
        advice: 'write millrace.yaml or run `millrace up` once',
      });
    }
    if (file === undefined || (isEmbedded(file) && !args.has('only'))) {
      const dir = dirname(file ?? embeddedConfigFile());
      release = takeLock(dir, 'postgres');
      context.note('starting a provider and two subscribers …');
      embedded = await startEmbedded(dir);
      file = embedded.configFile;
    }
    const config = loadConfig({ flag: file });
    const parts = chooseParts(config, args.value('only'));
    if (embedded !== undefined) showHowToConnect(context, embedded);
    await refuseFatal(config);
    supervisor = new Supervisor({ config, parts, say: context.note });
    if (!ending.signal.aborted) await Promise.race([supervisor.start(), ending.requested]);
    if (!ending.signal.aborted && replicates(config)) void reportFindings(config, context.note);
    const works = await replicationWorks(config, { parts, signal: ending.signal, say: context.note });
    if (works) process.stdout.write('ready\n');
    if (parts.includes('admin')) void announcePage(config, { signal: ending.signal, say: context.note });
    await ending.requested;
    context.note('stopping …');
    return 0;
  } finally {
    await supervisor?.stop();
    await embedded?.stop();
    release?.();
  }
}

function showHowToConnect(context: Context, { psql, configFile }: EmbeddedDefault): void {
  for (const [name, line] of Object.entries(psql)) context.note(`${name.padEnd(8)}  ${line}`);
  context.note(`configuration: ${configFile}; next, for example: millrace add TABLE --create`);
}

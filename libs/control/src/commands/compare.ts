import { setTimeout as delay } from 'node:timers/promises';
import { codes, MillraceError, verdictOf } from '@millrace/errors';
import { parseTableName } from '@millrace/model';
import type { Arguments, Command, Context } from '../command/command.ts';
import { parseDuration } from '../command/duration.ts';
import { subscriberOption } from '../command/options.ts';
import { type ComparisonRun, refuseUnfollowed, runComparison } from '../compare/comparison-run.ts';
import {
  comparisonDocument,
  comparisonDocumentSchema,
  isAllEqual,
  showComparison,
} from '../compare/show-comparison.ts';

export const compare: Command = {
  name: 'compare',
  summary: 'Compare tables with the provider, both sides as of the same tick, and list the keys of rows that differ.',
  usage: '[TABLE…] [--all] [--subscriber NAME…] [--limit N] [--timeout 60s] [--every 1h] [--json]',
  example: 'millrace compare customer orders --subscriber eu',
  more: `Without names, or with --all, the whole set. Nothing is locked: replay pauses for a moment while a session takes its
snapshot. Exit code 0 when all was compared and is equal, 1 otherwise.`,
  options: {
    all: { type: 'boolean', help: 'all tables of the set; the same as no names' },
    ...subscriberOption,
    limit: { type: 'number', value: 'N', help: 'keys listed of a table at a subscriber; default: 20' },
    timeout: { type: 'string', value: '60s', help: 'how long to wait for a subscriber that is behind' },
    every: { type: 'string', value: '1h', help: 'repeat at this interval, in the foreground, until a signal' },
  },
  words: [0, Number.POSITIVE_INFINITY],
  effect: (args) => (args.has('every') ? 'serves' : 'reads'),
  api: { words: 'tables', result: comparisonDocumentSchema, method: 'POST' },
  run: runCompare,
};

async function runCompare(context: Context, args: Arguments): Promise<number> {
  const every = args.value('every');
  const everyMs = every === undefined ? undefined : parseDuration(every, '--every');
  if (everyMs === undefined) return isAllEqual(await compareOnce(context, args)) ? 0 : 1;
  if (everyMs < 100) throw new MillraceError(codes.USAGE, '--every: at least 100ms');
  for (let round = 1; ; round += 1) {
    const begun = performance.now();
    try {
      await compareOnce(context, args);
    } catch (error) {
      // What is wrong in the first round was typed so; a later or passing error must not end the repetition.
      const { action, code, sentence } = verdictOf(error);
      if (round === 1 && action === 'stop') throw error;
      context.note(`not compared: ${sentence}; it is tried again`);
      context.result({ error: { code, message: sentence } }, '');
    }
    await delay(Math.max(0, everyMs - (performance.now() - begun)));
  }
}

async function compareOnce(context: Context, args: Arguments): Promise<ComparisonRun> {
  if (args.has('all') && args.words.length > 0) {
    throw new MillraceError(codes.USAGE, 'compare: --all and names of tables exclude each other');
  }
  const config = await context.config();
  const tables = args.words.length === 0 ? undefined : args.words.map(parseTableName);
  const run = await runComparison(config, {
    tables,
    subscribers: args.values('subscriber'),
    limit: Number(args.value('limit') ?? 20),
    timeoutMs: parseDuration(args.value('timeout') ?? '60s', '--timeout'),
    note: context.note,
  });
  refuseUnfollowed(run, tables);
  context.result(comparisonDocument(config.queue, run), showComparison(run));
  return run;
}

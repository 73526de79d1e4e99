import { codes, MillraceError } from '@millrace/errors';
import { parseTableName, tableLabel } from '@millrace/model';
import { z } from 'zod';
import type { Arguments, Command, Context } from '../command/command.ts';
import { parseDuration } from '../command/duration.ts';
import { subscriberOption } from '../command/options.ts';
import { type RepairRun, runRepair } from '../compare/repair-run.ts';
import { comparisonDocument, comparisonDocumentSchema, isAllCompared, isAllEqual } from '../compare/show-comparison.ts';

const repairedTable = z.strictObject({
  name: z.string().describe('as in SQL'),
  subscriber: z.string(),
  tick: z.int().describe('made what it is at the provider as of this tick'),
  inserted: z.int(),
  updated: z.int(),
  deleted: z.int(),
});

const result = z.strictObject({
  queue: z.string(),
  applied: z.boolean(),
  repaired: z.array(repairedTable).describe('what was done or, when not applied, what the script does'),
  script: z.string().describe('SQL for psql at the subscriber; empty when applied or when nothing differs'),
  comparison: comparisonDocumentSchema.describe('before it or, when applied, after it; without keys'),
});

export const repair: Command = {
  name: 'repair',
  summary:
    'Compare tables and print the SQL that corrects rows that differ at a subscriber, or with --apply execute it.',
  usage: '[TABLE…] [--all] [--subscriber NAME…] [--apply --yes] [--timeout 60s] [--json]',
  example: 'millrace repair orders --subscriber eu --apply --yes',
  more:
    'The SQL is for psql at that subscriber: one transaction, in which a statement does nothing when its row was changed since.\n' +
    'With --apply it is executed at a tick that both sides have reached and at which replay is held, so that nothing newer is\n' +
    'overwritten; then the tables are compared again. Rows that only the subscriber has are removed. Exit code 1 when something\n' +
    'still differs after that, or could not be compared.',
  options: {
    all: { type: 'boolean', help: 'all tables of the set; the same as no names' },
    ...subscriberOption,
    apply: { type: 'boolean', help: 'execute it' },
    timeout: { type: 'string', value: '60s', help: 'how long to wait for a subscriber that is behind' },
  },
  words: [0, Number.POSITIVE_INFINITY],
  isScript: true,
  effect: (args) => (args.has('apply') ? 'changes' : 'reads'),
  confirm: {
    warning: (args) =>
      args.has('apply')
        ? "repair makes rows at the subscribers equal to the provider's: what differs there is lost"
        : undefined,
    unattended: 'refuse',
  },
  api: { words: 'tables', result, method: 'POST' },
  check,
  run: runRepairCommand,
};

function check(args: Arguments): void {
  if (args.has('all') && args.words.length > 0) {
    throw new MillraceError(codes.USAGE, 'repair: --all and names of tables exclude each other');
  }
  args.words.forEach(parseTableName);
  timeoutOf(args);
}

function timeoutOf(args: Arguments): number {
  return parseDuration(args.value('timeout') ?? '60s', '--timeout');
}

async function runRepairCommand(context: Context, args: Arguments): Promise<number> {
  const config = await context.config();
  const apply = args.has('apply');
  const run = await runRepair(config, {
    tables: args.words.length === 0 ? undefined : args.words.map(parseTableName),
    subscribers: args.values('subscriber'),
    timeoutMs: timeoutOf(args),
    note: context.note,
    apply,
  });
  for (const line of linesOf(run, apply)) context.note(line);
  context.result(documentOf(config.queue, run, apply), run.script.join('\n'));
  return (apply ? isAllEqual(run.comparison) : isAllCompared(run.comparison)) ? 0 : 1;
}

function documentOf(
  queue: string,
  { comparison, repaired, script }: RepairRun,
  applied: boolean,
): z.infer<typeof result> {
  const bare = { ...comparison, results: comparison.results.map((one) => ({ ...one, differences: [] })) };
  return {
    queue,
    applied,
    repaired: repaired.map(({ subscriber, tick, inserted, updated, deleted, ...table }) => {
      return { name: tableLabel(table), subscriber, tick, inserted, updated, deleted };
    }),
    script: script.join('\n'),
    comparison: comparisonDocument(queue, bare),
  };
}

/** What was done, or would be, and what could not be compared. */
function linesOf({ comparison, repaired }: RepairRun, applied: boolean): string[] {
  const done = repaired.map(
    ({ subscriber, tick, inserted, updated, deleted, ...table }) =>
      `${subscriber}: ${tableLabel(table)}: ${inserted} ${applied ? 'inserted' : 'to insert'}, ${updated} ${applied ? 'updated' : 'to update'}, ${deleted} ${applied ? 'deleted' : 'to delete'}, as of tick ${tick}`,
  );
  const open = comparison.results.flatMap((one) => {
    const head = `${one.subscriber}: ${tableLabel(one)}`;
    if (one.state === 'not-compared') return [`${head}: not compared: ${one.reason}`];
    return applied && one.state === 'different' ? [`${head}: still differs; see \`millrace compare\``] : [];
  });
  const absent = comparison.absent.map(({ name, reason }) => `${name}: not compared: ${reason}`);
  const lines = [...done, ...open, ...absent];
  return lines.length === 0 ? ['nothing differs'] : lines;
}

import { alignColumns } from '@millrace/control';
import { add, addSeq, compare, repair, resync, unregister } from '@millrace/control/commands';
import { retryBusy } from '@millrace/control/sides';
import { codes, MillraceError } from '@millrace/errors';
import { sameTable, type TableName, type TableState, tableLabel } from '@millrace/model';
import type { Verb } from '../program/tool.ts';
import type { ReplicaSettings } from '../settings/settings.ts';
import {
  atProvider,
  atSubscriber,
  checkNames,
  configFor,
  ensureRegistered,
  install,
  namesIn,
  type OpenReplica,
  type ReplicaJob,
  refuseMissing,
  runMillrace,
} from './replica.ts';

const many = Number.POSITIVE_INFINITY;
const notInSet = 'not in the set; add it with `provider add` or `provider add-seq` first';

/** The words that skytools had for the states of a table; `held` is ours. */
const oldWords: Readonly<Record<TableState, string>> = {
  registered: 'NEW',
  copying: 'in-copy',
  'catching-up': 'catching-up',
  ok: 'ok',
  held: 'held',
};

export const subscriberVerbs: Readonly<Record<string, Verb<ReplicaSettings>>> = {
  'subscriber install': {
    usage: 'subscriber install',
    changes: true,
    summary: 'make the schema at the subscriber and register it',
    words: [0, 0],
    run: (job) => install(job, true),
  },
  'subscriber add': {
    usage: 'subscriber add TABLE…|--all',
    changes: true,
    summary: 'replicate tables of the set; their rows are copied first',
    words: [0, many],
    check: checkAddition,
    run: addTables,
  },
  'subscriber remove': {
    usage: 'subscriber remove TABLE…',
    changes: true,
    summary: 'stop replicating tables; their rows stay',
    words: [1, many],
    check: checkNames,
    run: (job) => atSubscriber(job, (open) => removeTables(job, open)),
  },
  'subscriber add-seq': {
    usage: 'subscriber add-seq SEQ…',
    changes: true,
    summary: 'replicate sequences of the set',
    words: [1, many],
    check: checkNames,
    run: followSequences,
  },
  'subscriber remove-seq': {
    usage: 'subscriber remove-seq SEQ…',
    changes: true,
    summary: 'stop replicating sequences',
    words: [1, many],
    check: checkNames,
    run: (job) => atSubscriber(job, (open) => removeSequences(job, open)),
  },
  'subscriber tables': {
    usage: 'subscriber tables',
    changes: false,
    summary: 'list the tables that are followed, with their states',
    words: [0, 0],
    run: (job) => atSubscriber(job, (open) => showTables(job, open)),
  },
  'subscriber seqs': {
    usage: 'subscriber seqs',
    changes: false,
    summary: 'list the sequences that are followed',
    words: [0, 0],
    run: (job) =>
      atSubscriber(job, async ({ subscriber }) =>
        job.print((await subscriber.overview()).sequences.map(tableLabel).join('\n')),
      ),
  },
  'subscriber missing': {
    usage: 'subscriber missing',
    changes: false,
    summary: 'list what is in the set and not followed',
    words: [0, 0],
    run: (job) => atSubscriber(job, (open) => showMissing(job, open)),
  },
  'subscriber resync': {
    usage: 'subscriber resync TABLE…|--force',
    changes: true,
    summary: 'copy the rows again, of all tables with --force and no name',
    words: [0, many],
    check: checkResync,
    run: copyAgain,
  },
  'subscriber register': {
    usage: 'subscriber register',
    changes: true,
    summary: 'keep all changes in the queue for this subscriber from now on',
    words: [0, 0],
    run: ensureRegistered,
  },
  'subscriber unregister': {
    usage: 'subscriber unregister',
    changes: true,
    summary: 'forget this subscriber, when it is shut down permanently',
    words: [0, 0],
    run: forget,
  },
  compare: {
    usage: 'compare [TABLE…]',
    changes: false,
    summary: 'compare tables, or all, with the provider; exit code 1 when they differ',
    words: [0, many],
    check: checkNames,
    run: compareWithProvider,
  },
  repair: {
    usage: 'repair [TABLE…] [--apply]',
    changes: true,
    summary: 'print the SQL that corrects rows that differ, or with --apply execute it',
    words: [0, many],
    check: checkNames,
    run: repairTables,
  },
};

function checkAddition(job: ReplicaJob): void {
  if (job.args.has('all') === job.words.length > 0) {
    throw new MillraceError(codes.USAGE, 'subscriber add: name tables, or use --all');
  }
  if (job.args.has('skip-truncate')) {
    const text = 'subscriber add: --skip-truncate is not possible: the copy replaces the rows that are there';
    throw new MillraceError(codes.USAGE, text, { advice: 'use --expect-sync when the rows are equal already' });
  }
  checkNames(job);
}

async function addTables(job: ReplicaJob): Promise<void> {
  const { words, args, log, settings } = job;
  const all = args.has('all');
  if (args.has('force')) log.warn('--force changes nothing: only differences that no row can pass are refused');
  await ensureRegistered(job);
  const inSet = await atProvider(job, async ({ overview }) => overview.tables);
  const tables = all ? inSet : namesIn(words);
  refuseMissing(tables, inSet, notInSet);
  if (tables.length === 0) return log.info('the set has no tables: nothing to do');
  const options = [...(args.has('expect-sync') ? ['--no-copy'] : []), ...(args.has('create') ? ['--create'] : [])];
  const argv = [...tables.map(tableLabel), ...options, '--subscriber', settings.subscriber];
  await runMillrace(job, add, { config: await configFor(job, true), argv });
}

async function followSequences(job: ReplicaJob): Promise<void> {
  await ensureRegistered(job);
  const sequences = namesIn(job.words);
  refuseMissing(sequences, await atProvider(job, async ({ overview }) => overview.sequences), notInSet);
  const argv = [...sequences.map(tableLabel), '--subscriber', job.settings.subscriber];
  await runMillrace(job, addSeq, { config: await configFor(job, true), argv });
}

/** At this subscriber only: the set stays unchanged. */
async function removeTables({ words, log }: ReplicaJob, { provider, subscriber }: OpenReplica): Promise<void> {
  const removed: string[] = [];
  for (const table of namesIn(words)) {
    const label = tableLabel(table);
    await provider.cancelCopies(table, [subscriber.name]);
    const what = `${label} at subscriber ${subscriber.name}`;
    const changed = await retryBusy(what, log.info, () => subscriber.leaveTable(table));
    if (changed) removed.push(label);
    log.info(changed ? `${label}: not followed any more` : `${label}: nothing to do`);
  }
  if (removed.length > 0) await subscriber.audit('remove', { tables: removed });
}

async function removeSequences({ words, log }: ReplicaJob, { subscriber }: OpenReplica): Promise<void> {
  const removed: string[] = [];
  for (const sequence of namesIn(words)) {
    const changed = await subscriber.leaveSequence(sequence);
    if (changed) removed.push(tableLabel(sequence));
    log.info(`${tableLabel(sequence)}: ${changed ? 'not followed any more' : 'nothing to do'}`);
  }
  if (removed.length > 0) await subscriber.audit('remove-seq', { sequences: removed });
}

async function showTables({ print }: ReplicaJob, { overview, subscriber }: OpenReplica): Promise<void> {
  const { tables } = await subscriber.overview();
  const rows = tables.map((table) => {
    const inSet = overview.tables.some((one) => sameTable(one, table));
    return [
      tableLabel(table),
      inSet ? oldWords[table.state] : `${oldWords[table.state]} (not in the set)`,
      table.error ?? '',
    ];
  });
  print(rows.length === 0 ? '' : alignColumns([['Table', 'State', ''], ...rows]));
}

async function showMissing({ print }: ReplicaJob, { overview, subscriber }: OpenReplica): Promise<void> {
  const { tables, sequences } = await subscriber.overview();
  const missing = (all: readonly TableName[], here: readonly TableName[]) =>
    all.filter((one) => !here.some((other) => sameTable(one, other))).map(tableLabel);
  print([...missing(overview.tables, tables), ...missing(overview.sequences, sequences)].join('\n'));
}

function checkResync(job: ReplicaJob): void {
  if (job.words.length === 0 && !job.args.has('force') && !job.args.has('all')) {
    throw new MillraceError(codes.USAGE, 'subscriber resync: name tables, or use --force for all of them');
  }
  checkNames(job);
}

async function copyAgain(job: ReplicaJob): Promise<void> {
  const { words, settings } = job;
  await ensureRegistered(job);
  const tables = words.length === 0 ? ['--all'] : namesIn(words).map(tableLabel);
  const argv = [...tables, '--subscriber', settings.subscriber];
  await runMillrace(job, resync, { config: await configFor(job, true), argv });
}

async function compareWithProvider(job: ReplicaJob): Promise<number> {
  const argv = [...namesIn(job.words).map(tableLabel), '--subscriber', job.settings.subscriber];
  return runMillrace(job, compare, { config: await configFor(job, true), argv });
}

async function repairTables(job: ReplicaJob): Promise<number> {
  const apply = job.args.has('apply') ? ['--apply', '--yes'] : [];
  const argv = [...namesIn(job.words).map(tableLabel), '--subscriber', job.settings.subscriber, ...apply];
  return runMillrace(job, repair, { config: await configFor(job, true), argv });
}

async function forget(job: ReplicaJob): Promise<void> {
  await runMillrace(job, unregister, { config: await configFor(job, true), argv: [job.settings.subscriber, '--yes'] });
}

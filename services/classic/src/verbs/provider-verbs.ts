import { remove, removeSeq } from '@millrace/control/commands';
import { refuseOn } from '@millrace/control/preflight';
import { addSequences, carryOut, planAddition, readAddition } from '@millrace/control/set';
import { codes, MillraceError } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import type { Verb } from '../program/tool.ts';
import type { ReplicaSettings } from '../settings/settings.ts';
import {
  atProvider,
  checkNames,
  configFor,
  install,
  namesIn,
  type OpenProvider,
  type ReplicaJob,
  runMillrace,
} from './replica.ts';

const many = Number.POSITIVE_INFINITY;

export const providerVerbs: Readonly<Record<string, Verb<ReplicaSettings>>> = {
  'provider install': {
    usage: 'provider install',
    changes: true,
    summary: 'make the schemas and the queue at the provider',
    words: [0, 0],
    run: (job) => install(job, false),
  },
  'provider add': {
    usage: 'provider add TABLE…|--all',
    changes: true,
    summary: 'add tables to the set: their changes go into the queue',
    words: [0, many],
    check: checkAddition,
    run: (job) => atProvider(job, (open) => add(job, open)),
  },
  'provider remove': {
    usage: 'provider remove TABLE…',
    changes: true,
    summary: 'take tables out of the set, and off the subscribers',
    words: [1, many],
    check: checkNames,
    run: removeTables,
  },
  'provider add-seq': {
    usage: 'provider add-seq SEQ…',
    changes: true,
    summary: 'add sequences to the set',
    words: [1, many],
    check: checkNames,
    run: (job) => atProvider(job, (open) => addSeq(job, open)),
  },
  'provider remove-seq': {
    usage: 'provider remove-seq SEQ…',
    changes: true,
    summary: 'take sequences out of the set',
    words: [1, many],
    check: checkNames,
    run: removeSequences,
  },
  'provider tables': {
    usage: 'provider tables',
    changes: false,
    summary: 'list the tables of the set',
    words: [0, 0],
    run: (job) =>
      atProvider(job, async ({ overview }) => {
        job.print(
          overview.tables
            .map((t) => (t.problem === null ? tableLabel(t) : `${tableLabel(t)}  ${t.problem}`))
            .join('\n'),
        );
      }),
  },
  'provider seqs': {
    usage: 'provider seqs',
    changes: false,
    summary: 'list the sequences of the set',
    words: [0, 0],
    run: (job) => atProvider(job, async ({ overview }) => job.print(overview.sequences.map(tableLabel).join('\n'))),
  },
};

function checkAddition(job: ReplicaJob): void {
  if (job.args.has('all') === job.words.length > 0) {
    throw new MillraceError(codes.USAGE, 'provider add: name tables, or use --all');
  }
  checkNames(job);
}

/** The set alone: who follows the tables is a matter of `subscriber add`. */
async function add({ words, args, log }: ReplicaJob, { provider, overview }: OpenProvider): Promise<void> {
  const request = { tables: args.has('all') ? undefined : namesIn(words), noCopy: false, create: false };
  const plan = planAddition(await readAddition({ provider, overview, targets: [] }, request), request);
  for (const line of plan.notes) log.warn(line);
  refuseOn(plan.refusals);
  const tables = plan.tables.map((table) => {
    const done = table.isChanged ? 'in the set' : 'nothing to do';
    return { ...table, after: [`${tableLabel(table.candidate.table)}: ${done}`] };
  });
  const work = { provider, targets: [], note: log.info, notifyRemoteSubscriber: async () => {} };
  await carryOut(work, { missing: [], tables });
}

async function addSeq({ words, log }: ReplicaJob, { provider }: OpenProvider): Promise<void> {
  const work = { provider, targets: [], note: log.info, skipMissing: false };
  await addSequences(work, namesIn(words));
}

async function removeTables(job: ReplicaJob): Promise<void> {
  await runMillrace(job, remove, { config: await removalConfig(job), argv: job.words });
}

async function removeSequences(job: ReplicaJob): Promise<void> {
  await runMillrace(job, removeSeq, { config: await removalConfig(job), argv: job.words });
}

/** With the file's subscriber when it is registered: what leaves the set leaves it as well. */
async function removalConfig(job: ReplicaJob) {
  const { subscriber } = job.settings;
  const isKnown = await atProvider(job, async ({ overview }) =>
    overview.subscribers.some(({ name }) => name === subscriber),
  );
  return configFor(job, isKnown);
}

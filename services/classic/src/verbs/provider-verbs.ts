import { remove, removeSeq } from '@millrace/control/commands';
import { type Candidate, checkProviderTable, type Finding, refuseOn } from '@millrace/control/preflight';
import { addSequences, addTable } from '@millrace/control/set';
import { codes, MillraceError } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import { userTables } from '@millrace/provider';
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
  runCommand,
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
    summary: 'put tables into the set: their changes go into the queue',
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
    summary: 'put sequences into the set',
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

async function add({ words, args, log }: ReplicaJob, { provider, overview }: OpenProvider): Promise<void> {
  const all = args.has('all');
  const candidates: Candidate[] = [];
  const findings: Finding[] = [];
  for (const table of all ? await provider.side.asked(userTables) : namesIn(words)) {
    const checked = await checkProviderTable(provider, overview, table);
    if ('text' in checked) findings.push(checked);
    else candidates.push(checked);
  }
  if (all) for (const { text } of findings) log.warn(`skipped: ${text}`);
  else refuseOn(findings);
  for (const candidate of candidates) {
    const label = tableLabel(candidate.table);
    const changed = await addTable({ provider, note: log.info, tellFar: async () => {} }, { candidate, additions: [] });
    log.info(changed ? `${label}: in the set` : `${label}: nothing to do`);
  }
}

async function addSeq({ words, log }: ReplicaJob, { provider }: OpenProvider): Promise<void> {
  const work = { provider, targets: [], note: log.info, skipMissing: false };
  await addSequences(work, namesIn(words));
}

async function removeTables(job: ReplicaJob): Promise<void> {
  await runCommand(job, remove, { config: await removalConfig(job), argv: job.words });
}

async function removeSequences(job: ReplicaJob): Promise<void> {
  await runCommand(job, removeSeq, { config: await removalConfig(job), argv: job.words });
}

/** With our subscriber when it is registered: what leaves the set leaves it as well. */
async function removalConfig(job: ReplicaJob) {
  const { subscriber } = job.settings;
  const isKnown = await atProvider(job, async ({ overview }) =>
    overview.subscribers.some(({ name }) => name === subscriber),
  );
  return configFor(job, isKnown);
}

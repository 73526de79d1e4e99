// Every command that declares `api` as a route under /api/v1.
import type { Config } from '@millrace/config';
import type { Command, Context } from '@millrace/control';
import { controlCommands } from '@millrace/control';
import { effectOf, runCommand } from '@millrace/control/run';
import { withinBounds } from '@millrace/control/sides';
import { codes, type ErrorCode, MillraceError } from '@millrace/errors';
import { argumentsFrom, inputSchema } from './input.ts';
import { type Job, type JobBook, jobDocument } from './jobs.ts';
import type { Answer, Call, Route } from './route.ts';
import { SharedRun } from './shared-run.ts';
import type { Slots } from './slots.ts';

/** How long an answer waits for the command's end before it says where to fetch it; `Prefer: wait=N` says otherwise. */
const waitSeconds = 20;
const maxWaitSeconds = 300;
/** A reading verb that takes longer is given up. */
const maxReadMs = 60_000;
/** What a verb that waits may wait, and then needs for its answer. */
const maxWaitMs = 60_000;
const maxAnswerMs = 15_000;

/** The same question within this time has the same answer: a page open in many windows must not load the databases. */
const freshMs = 1_000;

export interface VerbWork {
  readonly config: Config;
  readonly jobs: JobBook;
  /** Reading verbs that run now: those that everybody may send, and those that need the token, which are not kept waiting by them. */
  readonly openReads: Slots;
  readonly guardedReads: Slots;
  /** Those that wait for something. */
  readonly waits: Slots;
}

export async function verbRoutes(work: VerbWork): Promise<Route[]> {
  const commands = await Promise.all(controlCommands.names.map((name) => controlCommands.load(name)));
  return commands.flatMap((command) => (command.api === undefined ? [] : [verbRoute(command, work)]));
}

function verbRoute(command: Command, work: VerbWork): Route {
  const { name, summary, more, api } = command;
  const method = command.effect === 'reads' && api?.method !== 'POST' ? 'GET' : 'POST';
  const document = { description: 'The document of `--json`.', ...(api === undefined ? {} : { schema: api.result }) };
  const common = {
    name: name.replaceAll(' ', '-'),
    method,
    path: `/api/v1/${name.replaceAll(' ', '/')}`,
    summary,
    ...(more === undefined ? {} : { description: more }),
    input: inputSchema(command),
  } as const;
  if (method === 'GET') {
    const read = reader(command, work);
    return { ...common, access: api?.guarded ? 'guarded' : 'read', answers: { 200: document }, answer: read };
  }
  const later = { description: 'It still runs; fetch the job.', schema: jobDocument };
  return { ...common, access: 'change', answers: { 200: document, 202: later }, answer: doer(command, work) };
}

/** Runs a reading command; concurrent equal requests share one run, which ends when nobody waits for it any more. */
function reader(command: Command, work: VerbWork): Route['answer'] {
  const known = new Map<string, SharedRun<Answer>>();
  const begin = (call: Call) => new SharedRun((signal) => read(command, work, { call, signal }));
  return (call) => {
    if (command.api?.momentary === true) return begin(call).for(call);
    const now = performance.now();
    for (const [key, run] of known) if (now - run.at > freshMs || run.isAbandoned) known.delete(key);
    const question = JSON.stringify(call.input);
    const run = known.get(question) ?? begin(call);
    known.set(question, run);
    return run.for(call);
  };
}

/** Sessions of reading commands are few, whoever sends requests, and end with them. */
async function read(
  command: Command,
  { config, openReads, guardedReads, waits }: VerbWork,
  { call, signal }: { call: Call; signal: AbortSignal },
): Promise<Answer> {
  let body: unknown = null;
  const isWait = command.api?.waits === true;
  const context = contextOf(config, call, { note: () => {}, result: (document) => (body = document) });
  const args = argumentsFrom(command, call.input);
  const reads = command.api?.guarded === true ? guardedReads : openReads;
  await (isWait ? waits : reads).run(signal, () =>
    withinBounds({ signal, maxMs: isWait ? maxWaitMs + maxAnswerMs : maxReadMs }, () =>
      runCommand(command, { ...context, maxWaitMs }, args),
    ),
  );
  return { status: 200, body };
}

/** Runs a command as a job and waits a while for its end. */
function doer(command: Command, { config, jobs }: VerbWork): Route['answer'] {
  return async (call) => {
    const args = argumentsFrom(command, call.input);
    if (effectOf(command, args) === 'serves') {
      throw new MillraceError(codes.USAGE, `${command.name}: with these arguments it runs until it is stopped`, {
        advice: 'run it on the command line',
      });
    }
    const warning = args.has('yes') ? undefined : command.confirm?.warning(args);
    if (warning !== undefined) {
      throw new MillraceError(codes.USAGE, warning, { advice: 'add "confirm": true to do it' });
    }
    const job = jobs.start({ verb: command.name, actor: call.actor }, (voice) =>
      runCommand(command, contextOf(config, call, voice), args),
    );
    await jobs.settled(job, wantedWait(call) * 1_000);
    return jobAnswer(job);
  };
}

function jobAnswer(job: Job): Answer {
  const headers = { 'millrace-job': job.id };
  if (job.state === 'running') {
    return { status: 202, body: job, headers: { ...headers, location: `/api/v1/jobs/${job.id}` } };
  }
  if (job.error !== null) throw new MillraceError(job.error.code as ErrorCode, job.error.message);
  return { status: 200, body: job.result, headers };
}

function wantedWait({ request }: Call): number {
  const preference = [request.headers['prefer'] ?? ''].flat().join(',');
  const wanted = /(?:^|[,;\s])wait=(\d{1,6})/.exec(preference)?.[1];
  return wanted === undefined ? waitSeconds : Math.min(maxWaitSeconds, Number(wanted));
}

function contextOf(
  config: Config,
  { actor }: Call,
  { note, result }: { note: (line: string) => void; result: (document: unknown) => void },
): Context {
  return { configFile: config.file, json: true, actor, ask: undefined, config: async () => config, note, result };
}

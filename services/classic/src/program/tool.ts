import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { inspect } from 'node:util';
import type { Config } from '@millrace/config';
import { AuditEntry, localActor } from '@millrace/control';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { errorFields, printable, takeWarnings } from '@millrace/telemetry';
import { type ClassicArguments, optionHelp, parseClassic } from './arguments.ts';
import { goToBackground, isInBackground, reportStart } from './background.ts';
import { ClassicLog } from './log.ts';
import { inOldWords } from './old-words.ts';
import { signalDaemon } from './pid-file.ts';
import { type DaemonWork, runDaemon } from './run-daemon.ts';

/** What both kinds of settings have that the frame needs. */
interface JobSettings {
  readonly pidFile: string | undefined;
  readonly logFile: string | undefined;
  readonly unknown: readonly string[];
  readonly file: string;
}

/** What a command works with. */
export interface Job<S> {
  readonly settings: S;
  readonly log: ClassicLog;
  readonly args: ClassicArguments;
  /** What follows the command. */
  readonly words: readonly string[];
  /** A result, to stdout. */
  /** A script goes unchanged to another program. */
  readonly print: (text: string, isScript?: boolean) => void;
}

/** One command: `provider add TABLE…`. */
export interface Verb<S> {
  readonly usage: string;
  readonly summary: string;
  /** It leaves an entry in the audit at the provider. */
  readonly changes: boolean;
  /** Fewest and most words after it. */
  readonly words: readonly [number, number];
  /** Throws USAGE for wrong arguments, before any entry in the audit. */
  readonly check?: (job: Job<S>) => void;
  /** Resolves to the exit code; nothing is 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most verbs have nothing to say
  readonly run: (job: Job<S>) => Promise<number | void>;
}

/** One of the old programs. */
export interface Tool<S extends JobSettings> {
  readonly name: string;
  /** The file to begin with, as `--ini` shows it. */
  readonly example: string;
  readonly read: (file: string, set: ReadonlyMap<string, string>) => S;
  /** The command that is a daemon. */
  readonly daemon: {
    readonly usage: string;
    readonly summary: string;
    readonly make: (settings: S, log: ClassicLog) => DaemonWork;
  };
  /** What the audit must know: the provider and the queue that the words are about. */
  readonly auditedBy: (settings: S, words: readonly string[]) => Config;
  /** By their first words. */
  readonly verbs: Readonly<Record<string, Verb<S>>>;
}

/** Runs one command line. Resolves to the exit code; what went wrong is one line on stderr, and exit code 1, as it always was. */
async function runTool<S extends JobSettings>(tool: Tool<S>, argv: readonly string[]): Promise<number> {
  let log: ClassicLog | undefined;
  try {
    const args = parseClassic(argv);
    if (args.has('help')) return print(helpOf(tool));
    if (args.has('version')) return print(version());
    if (args.has('ini')) return print(tool.example);
    if (args.file === undefined) throw usage(tool, 'the configuration file is missing');
    if (args.verbose) process.env['MILLRACE_LOG_LEVEL'] ??= 'debug';
    const settings = tool.read(args.file, args.set);
    log = new ClassicLog({ ...args, file: settings.logFile, toTerminal: !isInBackground() });
    if (!isInBackground())
      for (const key of settings.unknown) log.warn(`${basename(settings.file)}: the key ${key} means nothing here`);
    return (await work(tool, { settings, log, args })) ?? 0;
  } catch (error) {
    return fail(tool.name, error, log);
  }
}

type Given<S> = Pick<Job<S>, 'settings' | 'log' | 'args'>;

async function work<S extends JobSettings>(tool: Tool<S>, given: Given<S>): ReturnType<Verb<S>['run']> {
  const { settings, log, args } = given;
  if (args.signal !== undefined) return signalled(given, args.signal);
  if (args.words[0] === tool.daemon.usage) {
    if (args.words.length > 1) throw usage(tool, `unexpected ${JSON.stringify(args.words[1])}`);
    if (args.background && !isInBackground()) return goToBackground();
    const read = () => tool.read(settings.file, args.set);
    return runDaemon({ settings, read, make: (now) => tool.daemon.make(now, log), log });
  }
  if (args.words.length === 0) throw usage(tool, 'the command is missing');
  const { verb, words } = findVerb(tool, args.words);
  if (words.length < verb.words[0]) throw new MillraceError(codes.USAGE, `${verb.usage}: something is missing`);
  if (words.length > verb.words[1]) throw usage(tool, `unexpected ${JSON.stringify(words[verb.words[1]])}`);
  const job = { ...given, words, print };
  verb.check?.(job);
  return audited(tool, job, verb);
}

async function audited<S extends JobSettings>(tool: Tool<S>, job: Job<S>, verb: Verb<S>): ReturnType<Verb<S>['run']> {
  if (!verb.changes) return verb.run(job);
  const { settings, words, args, log } = job;
  const name = `${tool.name} ${args.words.slice(0, args.words.length - words.length).join(' ')}`;
  const context = { config: async () => tool.auditedBy(settings, words), actor: localActor(), note: log.warn };
  const entry = await AuditEntry.open(context, { name, text: [...words, ...args.flags].join(' ') });
  try {
    const code = (await verb.run(job)) ?? 0;
    await entry.end({ outcome: code === 0 ? 'done' : 'failed' });
    return code;
  } catch (error) {
    await entry.end({ outcome: 'failed', error });
    throw error;
  }
}

function findVerb<S extends JobSettings>(
  tool: Tool<S>,
  words: readonly string[],
): { verb: Verb<S>; words: readonly string[] } {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ');
    const verb = Object.hasOwn(tool.verbs, name) ? tool.verbs[name] : undefined;
    if (verb !== undefined && words.length >= count) return { verb, words: words.slice(count) };
  }
  throw usage(tool, `unknown command ${JSON.stringify(words.slice(0, 2).join(' '))}`);
}

async function signalled<S extends JobSettings>(
  { settings, log }: Given<S>,
  signal: NonNullable<ClassicArguments['signal']>,
): Promise<void> {
  const { pidFile } = settings;
  if (pidFile === undefined)
    throw new MillraceError(codes.CONFIG, `${settings.file} names no pidfile, so the daemon cannot be found`);
  if (await signalDaemon(pidFile, signal)) return;
  if (signal === 'SIGHUP') throw new MillraceError(codes.NOT_FOUND, `no daemon runs with ${pidFile}`);
  log.info('no daemon runs: nothing to do');
}

function usage<S extends JobSettings>(tool: Tool<S>, what: string): MillraceError {
  return new MillraceError(codes.USAGE, what, { advice: `try ${tool.name} --help` });
}

function helpOf<S extends JobSettings>({ name, daemon, verbs }: Tool<S>): string {
  const commands = [...Object.values(verbs), { ...daemon, usage: `${daemon.usage} [-d]` }];
  const width = Math.max(...commands.map((verb) => verb.usage.length)) + 2;
  const lines = commands.map((verb) => `  ${verb.usage.padEnd(width)}${verb.summary}`);
  const options = optionHelp.map(([option, help]) => `  ${option.padEnd(22)}${help}`);
  return [`usage: ${name} FILE.ini COMMAND [options]`, '', 'Commands:', ...lines, '', 'Options:', ...options].join(
    '\n',
  );
}

function fail(name: string, error: unknown, log: ClassicLog | undefined): number {
  const { sentence } = toMillraceError(error);
  const line = inOldWords(
    sentence
      .split('\n')
      .map((part) => part.trim())
      .join('; '),
  );
  if (isInBackground()) {
    log?.error(line);
    reportStart({ error: line });
  } else process.stderr.write(`${name}: ${printable(line)}\n`);
  if (process.env['MILLRACE_DEBUG'] !== undefined)
    process.stderr.write(`${inspect(errorFields(error), { depth: 5 })}\n`);
  return 1;
}

function print(text: string, isScript = false): number {
  if (text !== '') process.stdout.write(`${isScript && process.stdout.isTTY !== true ? text : printable(text)}\n`);
  return 0;
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The program: its own command line, its exit code. */
export async function main<S extends JobSettings>(tool: Tool<S>): Promise<void> {
  // The reader of a pipe may leave early; that is no fault.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  takeWarnings((text) => void process.stderr.write(`${printable(text)}\n`));
  process.exitCode = await runTool(tool, process.argv.slice(2));
  // A session that does not close must not keep a finished command alive.
  setTimeout(() => process.exit(), 2_000).unref();
}

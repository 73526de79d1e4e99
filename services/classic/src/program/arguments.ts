import { parseArgs } from 'node:util';
import { codes, MillraceError } from '@millrace/errors';

/** What a switch requests of a running daemon: stop softly, stop now, read the file again. */
export type DaemonSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A command line of the old tools, taken apart. */
export interface ClassicArguments {
  readonly file: string | undefined;
  /** Everything after the file: command and its words. */
  readonly words: readonly string[];
  readonly signal: DaemonSignal | undefined;
  readonly background: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  /** Values of `--set key=value`, over those of the file. */
  readonly set: ReadonlyMap<string, string>;
  has(option: FlagName): boolean;
  /** The flags that were given, as they are typed. */
  readonly flags: readonly string[];
}

const switches = {
  help: { type: 'boolean', short: 'h', help: 'this text' },
  version: { type: 'boolean', short: 'V', help: 'the version' },
  ini: { type: 'boolean', help: 'a file to begin with' },
  set: { type: 'string', multiple: true, help: 'KEY=VALUE instead of what the file says' },
  quiet: { type: 'boolean', short: 'q', help: 'show only warnings and errors' },
  verbose: { type: 'boolean', short: 'v', help: 'show more' },
  daemon: { type: 'boolean', short: 'd', help: 'go to the background' },
  stop: { type: 'boolean', short: 's', help: 'stop the daemon softly (SIGINT) and wait for its end' },
  kill: { type: 'boolean', short: 'k', help: 'stop the daemon now (SIGTERM) and wait for its end' },
  reload: { type: 'boolean', short: 'r', help: 'let the daemon read its file again (SIGHUP)' },
} as const;

const flags = {
  all: { type: 'boolean', help: 'all tables that there are' },
  force: { type: 'boolean', help: 'drop: although there are consumers; resync: all tables when none is named' },
  create: { type: 'boolean', help: 'subscriber add: make the table where it is missing' },
  'expect-sync': { type: 'boolean', help: 'subscriber add: the rows are equal already, copy nothing' },
  apply: { type: 'boolean', help: 'repair: do it, instead of printing the SQL' },
  'skip-truncate': { type: 'boolean', help: 'subscriber add: not possible any more, see docs/classic.md' },
} as const;

export type FlagName = keyof typeof flags | 'help' | 'version' | 'ini';

/** Lines for `--help`: the options and what they do. */
export const optionHelp: readonly (readonly [string, string])[] = Object.entries({ ...switches, ...flags }).map(
  ([name, option]) => [`${'short' in option ? `-${option.short}, ` : '    '}--${name}`, option.help] as const,
);

/** Reads the words of a command line. Throws USAGE. */
export function parseClassic(argv: readonly string[]): ClassicArguments {
  const { values, positionals } = parse(argv);
  const requested = (['stop', 'kill', 'reload'] as const).filter((name) => values[name]);
  if (requested.length > 1)
    throw new MillraceError(codes.USAGE, `--${requested[0]} and --${requested[1]} exclude each other`);
  const signals = { stop: 'SIGINT', kill: 'SIGTERM', reload: 'SIGHUP' } as const;
  const [first] = requested;
  return {
    file: positionals[0],
    words: positionals.slice(1),
    signal: first === undefined ? undefined : signals[first],
    background: values.daemon === true,
    verbose: values.verbose === true,
    quiet: values.quiet === true,
    set: new Map((values.set ?? []).map(pairOf)),
    has: (option) => values[option] === true,
    flags: (Object.keys(flags) as (keyof typeof flags)[])
      .filter((name) => values[name] === true)
      .map((name) => `--${name}`),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: { ...switches, ...flags }, allowPositionals: true, strict: true });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new MillraceError(codes.USAGE, (text.split(/\. |\n/)[0] ?? text).replaceAll("'", ''), {
      advice: 'try --help',
    });
  }
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new MillraceError(codes.USAGE, '--set wants KEY=VALUE');
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}

import { parseArgs } from 'node:util';
import { codes, MillraceError } from '@millrace/errors';
import type { Arguments, Command, OptionSpec } from '../command/command.ts';
import type { CommandList } from './command-list.ts';

/** Options that every command takes, before or after its name. */
export const globalOptions: Readonly<Record<string, OptionSpec>> = {
  config: { type: 'string', value: 'FILE', help: 'the configuration; default: MILLRACE_CONFIG, ./millrace.yaml' },
  json: { type: 'boolean', help: 'the result as one JSON document on stdout' },
  help: { type: 'boolean', help: 'this text' },
};

/** The command's name (`add`, `queue create`) and everything else; the name is undefined when there is none. */
export function splitCommand(
  argv: readonly string[],
  commands: CommandList,
): { name: string | undefined; rest: string[] } {
  const first = wordAt(argv, 0);
  const word = first === undefined ? undefined : argv[first];
  if (word === undefined) return { name: undefined, rest: [...argv] };
  const second = commands.group(word).length > 0 ? wordAt(argv, (first ?? 0) + 1) : undefined;
  const name = second === undefined ? word : `${word} ${argv[second]}`;
  return { name, rest: argv.filter((_, at) => at !== first && at !== second) };
}

/** Where the next word stands that is no option. */
function wordAt(argv: readonly string[], from: number): number | undefined {
  for (let at = from; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--') return undefined;
    if (word === '--config') at += 1;
    else if (!word.startsWith('-')) return at;
  }
  return undefined;
}

/** Reads the words after a command. Throws USAGE with one line. */
export function parseArguments(command: Command, rest: readonly string[]): Arguments {
  const options = { ...globalOptions, ...optionsOf(command) };
  const given = new Map<string, string[]>();
  const words: string[] = [];
  let open: string[] | undefined;
  for (const token of tokensOf(command, options, rest)) {
    if (token.kind === 'option') {
      const values = given.get(token.name) ?? [];
      values.push(token.value ?? '');
      given.set(token.name, values);
      // More words after a repeatable option belong to it when the command's own words stand before it, or it takes all.
      const hasOwn = command.words[1] === 0 || words.length > 0 || given.has('all');
      const collects = options[token.name]?.multiple === true && hasOwn;
      open = collects ? values : undefined;
    } else if (token.kind === 'positional') (open ?? words).push(token.value);
    else open = undefined;
  }
  const args = argumentsOf(words, given);
  if (!args.has('help')) {
    checkWords(command, words);
    checkNumbers(command, args);
  }
  return args;
}

/** A command's own options, and `--yes` when it asks for a confirmation. */
export function optionsOf({ options, confirm }: Command): Readonly<Record<string, OptionSpec>> {
  return confirm === undefined ? options : { ...options, yes: { type: 'boolean', help: 'do it without asking' } };
}

/** Arguments that were given in another way than as words of a command line. */
export function argumentsOf(words: readonly string[], given: ReadonlyMap<string, readonly string[]>): Arguments {
  return {
    words,
    has: (option) => given.has(option),
    value: (option) => given.get(option)?.at(-1),
    values: (option) => given.get(option) ?? [],
  };
}

function checkWords(command: Command, words: readonly string[]): void {
  const [min, max] = command.words;
  if (words.length > max) throw wrong(command, `unexpected ${JSON.stringify(words[max])}`);
  if (words.length < min) throw wrong(command, 'something is missing');
}

function checkNumbers(command: Command, args: Arguments): void {
  for (const [name, { type }] of Object.entries(command.options)) {
    const bad = type === 'number' && args.values(name).find((value) => !/^\d{1,15}$/.test(value));
    if (typeof bad === 'string') throw wrong(command, `--${name} needs a whole number, not ${JSON.stringify(bad)}`);
  }
}

function tokensOf(command: Command, options: Readonly<Record<string, OptionSpec>>, rest: readonly string[]) {
  const known = Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple }]) => [
      name,
      {
        type: type === 'number' ? ('string' as const) : type,
        multiple: multiple ?? false,
        ...(name === 'help' ? { short: 'h' } : {}),
      },
    ]),
  );
  try {
    return parseArgs({ args: [...rest], options: known, allowPositionals: true, strict: true, tokens: true }).tokens;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw wrong(command, (text.split(/\. |\n/)[0] ?? text).replaceAll("'", ''));
  }
}

function wrong(command: Command, what: string): MillraceError {
  return new MillraceError(codes.USAGE, `${command.name}: ${what}`, {
    advice: `usage: millrace ${command.name} ${command.usage}`.trimEnd(),
  });
}

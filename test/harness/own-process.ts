import { inspect } from 'node:util';
import { loadConfig } from '@millrace/config';
import { type Context, controlCommands, localActor, parseArguments, splitCommand } from '@millrace/control';
import { runCommand } from '@millrace/control/run';
import { toMillraceError, verdictOf } from '@millrace/errors';
import type { CommandResult } from './command-line.ts';

/** A command line as `bin/millrace` takes it. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds, default 120,000; then the call throws. */
  readonly timeoutMs?: number;
  /** What it finds on stdin; default: nothing. */
  readonly input?: string;
}

const programs = ['queue top'];
const programOptions = ['--every', '--watch', '--help', '-h'];

/** True for a command that ends by itself and starts no process: the others need the program. */
export function runsInOwnProcess(args: readonly string[]): boolean {
  const { name } = splitCommand(args, controlCommands);
  if (name === undefined || !controlCommands.names.includes(name) || programs.includes(name)) return false;
  return !args.some((arg) => programOptions.includes(arg));
}

/**
 * Runs a command in the test's process: the same parsing, command, audit, texts and exit code as the program, which costs
 * half a second of CPU time to start. What only the program does (signals, pipes, its end) is the matter of cli.e2e.test.ts.
 */
export async function runInOwnProcess(line: CommandLine): Promise<CommandResult> {
  const timeoutMs = line.timeoutMs ?? 120_000;
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`${line.args.join(' ')} did not end`)), timeoutMs);
  try {
    return await Promise.race([resultOf(line), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function resultOf({ args: argv, env, input = '' }: CommandLine): Promise<CommandResult> {
  const json = argv.includes('--json');
  const written = { stdout: '', stderr: '' };
  const write = (to: keyof typeof written, text: string) => {
    written[to] += `${text}\n`;
  };
  try {
    const { name = '', rest } = splitCommand(argv, controlCommands);
    const command = await controlCommands.load(name);
    const args = parseArguments(command, rest);
    const flag = args.value('config');
    const context: Context = {
      configFile: flag,
      json,
      actor: localActor(),
      ask: undefined,
      input: () => linesOf(input),
      config: async () => loadConfig({ flag, env }),
      note: (text) => write('stderr', text),
      result: (document, text) => {
        if (json) write('stdout', JSON.stringify(document));
        else if (text !== '') write('stdout', text);
      },
    };
    return { code: await runCommand(command, context, args), ...written };
  } catch (error) {
    const { code, sentence } = toMillraceError(error);
    const lines = sentence.split('\n').flatMap((text) => text.trim() || []);
    if (json) write('stdout', JSON.stringify({ error: { code, message: lines.join('; ') } }));
    for (const text of lines) write('stderr', `millrace: ${text}`);
    if (env['MILLRACE_DEBUG'] !== undefined) write('stderr', inspect(error));
    return { code: verdictOf(error).exitCode, ...written };
  }
}

async function* linesOf(text: string): AsyncGenerator<string> {
  if (text !== '') yield* text.replace(/\n$/, '').split('\n');
}

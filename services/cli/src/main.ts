import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createInterface as createPrompt } from 'node:readline/promises';
import { inspect } from 'node:util';
import type { Context } from '@millrace/control';
import { localActor, parseArguments, splitCommand } from '@millrace/control';
import { codes, MillraceError, toMillraceError, verdictOf } from '@millrace/errors';
import { errorFields, printable, printableJson, takeWarnings } from '@millrace/telemetry';
import { commands } from './commands.ts';
import { endOfUp } from './end-of-up.ts';

const isDebugged = process.env['MILLRACE_DEBUG'] !== undefined;

/** Runs one command line and resolves to its exit code. Nothing is thrown. */
async function main(argv: readonly string[]): Promise<number> {
  // Known before anything is parsed, so that wrong usage, too, is answered in the requested form.
  const json = argv.includes('--json');
  try {
    const { name, rest } = splitCommand(argv, commands);
    if (name === undefined) return await withoutCommand(rest);
    if (name === 'up') endOfUp();
    const group = commands.group(name);
    if (group.length > 0 && (rest.includes('--help') || rest.includes('-h'))) {
      const { helpOfGroup } = await import('@millrace/control/help');
      write(await helpOfGroup(commands, name));
      return 0;
    }
    const command = await commands.load(name);
    const args = parseArguments(command, rest);
    if (args.has('help')) {
      const { helpOf } = await import('@millrace/control/help');
      write(helpOf(command));
      return 0;
    }
    const { runCommand } = await import('@millrace/control/run');
    return await runCommand(
      command,
      contextOf(args.value('config'), { json, isScript: command.isScript === true }),
      args,
    );
  } catch (error) {
    return fail(error, json);
  }
}

async function withoutCommand(given: readonly string[]): Promise<number> {
  let rest = given;
  const known = ['--help', '-h', '--version', '-V', '--json'];
  const file = rest.indexOf('--config');
  if (file >= 0) rest = rest.toSpliced(file, 2);
  const unknown = rest.find((word) => !known.includes(word) && !word.startsWith('--config='));
  if (unknown !== undefined) {
    throw new MillraceError(codes.USAGE, `unexpected ${JSON.stringify(unknown)}`, { advice: 'try millrace --help' });
  }
  if (rest.includes('--version') || rest.includes('-V')) {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    write((JSON.parse(manifest) as { version: string }).version);
    return 0;
  }
  const { helpOfAll } = await import('@millrace/control/help');
  const text = await helpOfAll(commands);
  if (rest.includes('--help') || rest.includes('-h')) {
    write(text);
    return 0;
  }
  throw new MillraceError(codes.USAGE, 'a command is missing', {
    advice: 'usage: millrace [--config FILE] COMMAND; try millrace --help',
  });
}

interface Output {
  readonly json: boolean;
  readonly isScript: boolean;
}

function contextOf(configFile: string | undefined, { json, isScript }: Output): Context {
  return {
    configFile,
    json,
    actor: localActor(),
    ask: promptOnTerminal(),
    input: () => createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    config: async () => (await import('@millrace/config')).loadConfig({ flag: configFile }),
    note: (line) => void process.stderr.write(`${printable(line)}\n`),
    result: (document, text) => {
      if (json) writeJson(document);
      else if (text !== '') write(isScript && process.stdout.isTTY !== true ? text : printable(text));
    },
  };
}

/** Asks on the terminal; undefined without one. Anything but `y` or `yes` means no. */
function promptOnTerminal(): ((question: string) => Promise<boolean>) | undefined {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
  return async (question) => {
    const lines = createPrompt({ input: process.stdin, output: process.stderr });
    // Ctrl-C or Ctrl-D is an answer, too.
    const silence = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(printable(question)), silence]);
    lines.close();
    return /^y(es)?$/i.test(answer.trim());
  };
}

function fail(error: unknown, json: boolean): number {
  const { code, sentence } = toMillraceError(error);
  // Several findings come as several lines; each is an error of its own for people.
  const lines = sentence
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (json) writeJson({ error: { code, message: lines.join('; ') } });
  for (const line of lines) process.stderr.write(`millrace: ${printable(line)}\n`);
  if (isDebugged) process.stderr.write(`${inspect(errorFields(error), { depth: 5 })}\n`);
  return verdictOf(error).exitCode;
}

/** The same bytes for every program; a terminal must not obey them. */
function writeJson(document: unknown): void {
  const text = JSON.stringify(document);
  write(process.stdout.isTTY === true ? printableJson(text) : text);
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

takeWarnings((text) => void process.stderr.write(`millrace: ${printable(text)}\n`));
// The reader of a pipe may leave early (`millrace tables | head -1`); that is no fault.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.exitCode = await main(process.argv.slice(2));
// A session that does not close must not keep a finished command alive. None should be left; MILLRACE_DEBUG shows those that are.
setTimeout(() => {
  if (isDebugged) process.stderr.write(`still open: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, 2_000).unref();

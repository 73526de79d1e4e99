import type { Command, OptionSpec } from '../command/command.ts';
import { alignColumns } from '../command/show.ts';
import type { CommandList } from './command-list.ts';
import { globalOptions, optionsOf } from './parse-arguments.ts';

/** The text of `millrace COMMAND --help`. */
export function helpOf(command: Command): string {
  return [
    `millrace ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.summary,
    ...(command.more === undefined ? [] : ['', command.more]),
    '',
    'Options:',
    optionLines({ ...optionsOf(command), ...globalOptions }),
    '',
    `Example: ${command.example}`,
  ].join('\n');
}

/** The text of `millrace GROUP --help`. */
export async function helpOfGroup(list: CommandList, group: string): Promise<string> {
  const commands = await Promise.all(list.group(group).map((name) => list.load(name)));
  return [
    `millrace ${group} VERB`,
    '',
    alignColumns(commands.map((command) => [`  ${command.name}`, command.summary])),
    '',
    `\`millrace ${group} VERB --help\` shows more.`,
  ].join('\n');
}

/** The text of `millrace --help`. */
export async function helpOfAll(list: CommandList): Promise<string> {
  const commands = await Promise.all(list.names.map((name) => list.load(name)));
  return [
    'millrace [--config FILE] COMMAND',
    '',
    'Replicates tables from one PostgreSQL to others, and serves queues in any PostgreSQL.',
    '',
    alignColumns(commands.map((command) => [`  ${command.name}`, command.summary])),
    '',
    '`millrace COMMAND --help` shows more. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.',
  ].join('\n');
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(options).map(([name, option]) => {
    const value = option.type === 'boolean' ? '' : ` ${option.value ?? 'VALUE'}`;
    return [`  --${name}${value}${option.multiple === true ? '…' : ''}`, option.help];
  });
  return alignColumns(rows);
}

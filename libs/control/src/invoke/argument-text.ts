import { redactText } from '@millrace/telemetry';
import type { Arguments, Command } from '../command/command.ts';

const longest = 2_000;

/** What was typed after a command's name, for the audit: words first, then options, without `--yes` and secrets. */
export function argumentText(command: Command, args: Arguments): string {
  const options = Object.entries(command.options).flatMap(([name, { type }]) => {
    if (!args.has(name)) return [];
    return type === 'boolean' ? [`--${name}`] : [`--${name}`, ...args.values(name)];
  });
  const text = redactText([...args.words, ...options].map(quoted).join(' '));
  return text.length <= longest ? text : `${text.slice(0, longest)} …`;
}

/** As a shell would want it. */
function quoted(word: string): string {
  return /^[\w.,:=/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

import { codes, MillraceError } from '@millrace/errors';
import type { Arguments, Command, Context, Effect } from '../command/command.ts';
import { AuditEntry } from './audit-entry.ts';

/** Runs a command as an operator gave it: asks before it removes something, and notes it in the audit. */
export async function runCommand(command: Command, context: Context, args: Arguments): Promise<number> {
  await command.check?.(args, context);
  await confirm(command, context, args);
  if (effectOf(command, args) !== 'changes') return command.run(context, args);
  const entry = await AuditEntry.begin(context, command, args);
  try {
    const code = await command.run(context, args);
    await entry.end(code === 0 ? { outcome: 'done' } : { outcome: 'failed' });
    return code;
  } catch (error) {
    await entry.end({ outcome: 'failed', error });
    throw error;
  }
}

/** What the command does with these arguments. */
export function effectOf({ effect }: Command, args: Arguments): Effect {
  return typeof effect === 'function' ? effect(args) : effect;
}

async function confirm({ name, confirm: wanted }: Command, { ask }: Context, args: Arguments): Promise<void> {
  const warning = wanted?.warning(args);
  if (wanted === undefined || warning === undefined || args.has('yes')) return;
  if (ask !== undefined) {
    if (await ask(`${warning}\nGo on? [y/N] `)) return;
    throw new MillraceError(codes.CANCELLED, `${name}: nothing was done`);
  }
  if (wanted.unattended === 'refuse') throw new MillraceError(codes.USAGE, warning, { advice: 'add --yes to do it' });
}

export { localActor } from './command/actor.ts';
export type { Arguments, Command, Context, OptionSpec } from './command/command.ts';
export { parseDuration, showDuration } from './command/duration.ts';
export { alignColumns, showCount } from './command/show.ts';
export { controlCommands, controlLoaders } from './commands.ts';
export { AuditEntry } from './invoke/audit-entry.ts';
export { commandList } from './usage/command-list.ts';
export { argumentsOf, parseArguments, splitCommand } from './usage/parse-arguments.ts';

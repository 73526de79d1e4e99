import type { Command } from './command.ts';

/** Each command's module is loaded when it is needed: a short command should not pay for a long one. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  install: async () => (await import('./commands/install.ts')).install,
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstall,
  up: async () => (await import('./commands/up.ts')).up,
  run: async () => (await import('./commands/run.ts')).run,
  add: async () => (await import('./commands/add.ts')).add,
  resync: async () => (await import('./commands/resync.ts')).resync,
  remove: async () => (await import('./commands/remove.ts')).remove,
  'add-seq': async () => (await import('./commands/add-seq.ts')).addSeq,
  'remove-seq': async () => (await import('./commands/remove-seq.ts')).removeSeq,
  unregister: async () => (await import('./commands/unregister.ts')).unregister,
  tables: async () => (await import('./commands/tables.ts')).tables,
  seqs: async () => (await import('./commands/seqs.ts')).seqs,
  wait: async () => (await import('./commands/wait.ts')).wait,
  'wait-for': async () => (await import('./commands/wait-for.ts')).waitForCommand,
  token: async () => (await import('./commands/token.ts')).token,
  pause: async () => (await import('./commands/pause.ts')).pause,
  resume: async () => (await import('./commands/resume.ts')).resume,
  audit: async () => (await import('./commands/audit.ts')).audit,
  status: async () => (await import('./commands/status.ts')).status,
  compare: async () => (await import('./commands/compare.ts')).compare,
  repair: async () => (await import('./commands/repair.ts')).repair,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
};

export const commandNames: readonly string[] = Object.keys(loaders);

/** The command of that name; throws when there is none. */
export async function loadCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load === undefined) {
    const { codes, MillraceError } = await import('@millrace/errors');
    throw new MillraceError(codes.USAGE, `unknown command ${JSON.stringify(name)}`, {
      advice: `commands are ${commandNames.join(', ')}`,
    });
  }
  return load();
}

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
  'queue create': async () => (await import('./commands/queue/create.ts')).queueCreate,
  'queue drop': async () => (await import('./commands/queue/drop.ts')).queueDrop,
  'queue list': async () => (await import('./commands/queue/list.ts')).queueList,
  'queue info': async () => (await import('./commands/queue/info.ts')).queueInfo,
  'queue config': async () => (await import('./commands/queue/config.ts')).queueConfig,
  'queue tick': async () => (await import('./commands/queue/tick.ts')).queueTick,
  'queue top': async () => (await import('./commands/queue/top.ts')).queueTop,
  'consumer list': async () => (await import('./commands/consumer/list.ts')).consumerList,
  'consumer register': async () => (await import('./commands/consumer/register.ts')).consumerRegister,
  'consumer unregister': async () => (await import('./commands/consumer/unregister.ts')).consumerUnregister,
  'consumer seek': async () => (await import('./commands/consumer/seek.ts')).consumerSeek,
  'events insert': async () => (await import('./commands/events/insert.ts')).eventsInsert,
  'events peek': async () => (await import('./commands/events/peek.ts')).eventsPeek,
  'events retry': async () => (await import('./commands/events/retry.ts')).eventsRetry,
};

export const commandNames: readonly string[] = Object.keys(loaders);

/** The commands of a group: `queue` has `queue create`, …; empty when there is no such group. */
export function commandsOf(group: string): string[] {
  return commandNames.filter((name) => name.startsWith(`${group} `));
}

/** The command of that name; throws when there is none. */
export async function loadCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load === undefined) {
    const { codes, MillraceError } = await import('@millrace/errors');
    const [group = ''] = name.split(' ');
    const members = commandsOf(group);
    if (members.length > 0) {
      const verbs = members.map((one) => one.slice(group.length + 1)).join(', ');
      const what = name === group ? `${group}: a verb is missing` : `unknown command ${JSON.stringify(name)}`;
      throw new MillraceError(codes.USAGE, what, { advice: `verbs of ${group} are ${verbs}` });
    }
    throw new MillraceError(codes.USAGE, `unknown command ${JSON.stringify(name)}`, {
      advice: `commands are ${commandNames.join(', ')}`,
    });
  }
  return load();
}

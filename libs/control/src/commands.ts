import { type CommandLoaders, commandList } from './usage/command-list.ts';

/** The verbs of this library. Each command's module is loaded when it is needed: a short command should not pay for a long one. */
export const controlLoaders = {
  install: async () => (await import('./commands/install.ts')).install,
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstall,
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
  'bus key': async () => (await import('./commands/bus/key.ts')).busKey,
  'bus permissions': async () => (await import('./commands/bus/permissions.ts')).busPermissions,
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
} satisfies CommandLoaders;

/** The verbs that need nothing but databases and the bus; programs may add verbs of their own. */
export const controlCommands = commandList(controlLoaders);

import { commandList, controlLoaders } from '@millrace/control';

const { install, uninstall, ...others } = controlLoaders;

/** What `millrace` knows: the verbs of libs/control, and those that start processes on this host. */
export const commands = commandList({
  install,
  uninstall,
  up: async () => (await import('./commands/up.ts')).up,
  run: async () => (await import('./commands/run.ts')).run,
  page: async () => (await import('./commands/page.ts')).page,
  ...others,
});
